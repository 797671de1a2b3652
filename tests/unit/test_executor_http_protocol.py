"""One connection: every request answered once, in order, whatever pieces it came in."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.xxl_job.executor.http_message import build_reply
from support.wire import Line, echo

RECORDED = Path(__file__).parent / "wire"


def post(path: str, body: str = "{}", headers: str = "") -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {len(body)}\r\n\r\n{body}".encode()


LATER = post("/later")
CHUNKED = b"POST /kill HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
EXCHANGES: list[tuple[bytes, tuple[int, Any]]] = [
    (post("/run", '{"a": 1}'), (200, ["POST", "/run", '{"a": 1}'])),
    (post("/beat", "", "Accept: */*\r\n"), (200, ["POST", "/beat", ""])),
    (CHUNKED, (200, ["POST", "/kill", "{}"])),
    (b"GET /runs?limit=1 HTTP/1.1\r\n\r\n", (200, ["GET", "/runs", ""])),
    (post("/closed", "x" * 50), (200, "refused")),
    (b"\r\n" + post("/log"), (200, ["POST", "/log", "{}"])),
]


@pytest.mark.parametrize(("request_bytes", "answer"), EXCHANGES)
def test_a_request_split_anywhere_gets_its_answer(request_bytes: bytes, answer: tuple[int, Any]) -> None:
    for where in range(len(request_bytes)):
        line = Line()
        line.feed(request_bytes[:where], request_bytes[where:])
        assert line.answers == [answer]
        assert len(line.wire.written) == 1


@settings(max_examples=50, deadline=None)
@given(chosen=st.lists(st.sampled_from(EXCHANGES), min_size=1, max_size=6), data=st.data())
def test_pipelined_requests_get_the_same_answers_in_order_whatever_pieces_they_come_in(
    chosen: list[tuple[bytes, tuple[int, Any]]], data: st.DataObject
) -> None:
    stream = b"".join(request for request, _ in chosen)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=12)))
    line = Line()
    line.feed(*[stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)])

    assert line.answers == [answer for _, answer in chosen]
    assert line.wire.reading
    assert line.wire.ending == ""


@pytest.mark.parametrize("name", ["console-3.3-to-executor", "console-3.5-to-executor"])
def test_the_heads_of_real_consoles_are_read(name: str) -> None:
    line = Line()
    exchanges = [json.loads(text) for text in (RECORDED / f"{name}.jsonl").read_text().splitlines()]
    for exchange in exchanges:
        headers = "".join(f"{key}: {value}\r\n" for key, value in exchange["headers"].items())
        line.feed(f"POST {exchange['path']} HTTP/1.1\r\n{headers}\r\n{exchange['body']}".encode())

    assert [answer for _, answer in line.answers] == [["POST", one["path"], one["body"]] for one in exchanges]
    assert [dict(one.headers) for one in line.site.asked] == [
        {key.lower(): value for key, value in one["headers"].items()} for one in exchanges
    ]


def test_what_comes_behind_a_request_waits_for_its_answer_and_is_read_no_further() -> None:
    line = Line()
    line.feed(LATER + post("/run") + LATER + post("/kill"))
    assert (line.answers, line.wire.reading, len(line.site.asked)) == ([], False, 1)

    line.site.asked[0].respond(echo(line.site.asked[0]))
    assert ([answer[1][1] for answer in line.answers], line.wire.reading) == (["/later", "/run"], False)

    line.site.asked[2].respond(echo(line.site.asked[2]))
    assert [answer[1][1] for answer in line.answers] == ["/later", "/run", "/later", "/kill"]
    assert line.wire.reading


def test_a_request_that_is_answered_twice_is_answered_once() -> None:
    line = Line()
    line.feed(LATER + LATER)
    first = line.site.asked[0]
    first.respond(echo(first))
    first.respond(echo(first))
    assert len(line.answers) == 1


def test_an_answer_before_the_handler_returns_is_as_good() -> None:
    line = Line()

    def answer_at_once(request: Any) -> None:
        line.site.asked.append(request)
        request.respond(echo(request))

    line.connection._answer = answer_at_once
    line.feed(post("/one") + post("/two") * 2000 + post("/three"))
    assert len(line.answers) == 2002
    assert [line.answers[0][1][1], line.answers[-1][1][1]] == ["/one", "/three"]


def test_while_nobody_reads_the_answers_no_more_are_given() -> None:
    line = Line()
    line.connection.pause_writing()
    line.feed(post("/run") * 3)
    assert (line.answers, line.wire.reading) == ([], False)
    line.connection.resume_writing()
    assert (len(line.answers), line.wire.reading) == (3, True)


def test_a_connection_ends_after_the_answer_to_its_last_request() -> None:
    line = Line()
    line.feed(post("/run", "{}", "Connection: close\r\n") + post("/never"))
    assert [answer[1][1] for answer in line.answers] == ["/run"]
    assert b"\r\nConnection: close\r\n" in line.wire.written[0]
    assert line.wire.ending == "closed"


def test_what_cannot_be_read_is_answered_after_what_could_and_the_caller_may_finish_sending() -> None:
    line = Line()
    line.feed(LATER + b"\x16\x03\x01")
    line.feed(b"more nonsense")
    assert line.answers == []
    line.site.asked[0].respond(echo(line.site.asked[0]))
    assert [status for status, _ in line.answers] == [200, 400]
    assert line.answers[1][1] == {"code": 500, "msg": "the request is not valid HTTP"}
    assert line.wire.ending == "eof"
    assert not line.connection.eof_received()


def test_a_too_large_body_is_answered_in_the_protocols_form_before_it_came() -> None:
    line = Line()
    line.feed(b"POST /run HTTP/1.1\r\nContent-Length: 5242881\r\n\r\n")
    assert line.answers == [(413, {"code": 500, "msg": "the request is too large"})]
    assert line.site.asked == []


def test_who_waits_to_be_asked_for_the_body_is_asked_when_it_is_his_turn() -> None:
    expecting = b"POST /run HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    line = Line()
    line.feed(LATER + expecting)
    assert line.wire.written == []
    line.site.asked[0].respond(echo(line.site.asked[0]))
    assert line.wire.written[1:] == [b"HTTP/1.1 100 Continue\r\n\r\n"]
    line.feed(b"{}")
    assert line.answers[-1] == (200, ["POST", "/run", "{}"])
    line.feed(expecting + b"{}")
    assert len(line.wire.written) == 5


def test_a_head_request_gets_the_head_of_the_answer() -> None:
    line = Line()
    line.feed(b"HEAD /runs HTTP/1.1\r\n\r\n")
    [written] = line.wire.written
    assert written.endswith(b"Content-Length: 21\r\n\r\n")


def test_a_connection_too_many_is_cut_off() -> None:
    line = Line(most=0)
    assert line.wire.ending == "aborted"
    assert len(line.connections) == 0


def test_a_caller_that_has_gone_is_not_answered() -> None:
    line = Line()
    line.feed(LATER + post("/run"))
    line.connection.connection_lost(None)
    line.site.asked[0].respond(build_reply(b"1"))
    line.connection.abort()
    line.connection.leave()
    assert line.wire.written == []
    assert len(line.connections) == len(line.site.asked) - 1 == 0


class Hands:
    def __init__(self) -> None:
        self.now = 100.0

    def time(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("stream", "seconds"),
    [(b"", 10), (b"POST / HT", 10), (post("/run")[:-1], 10), (post("/run"), 75), (b"\x16\x03", 10)],
    ids=["nothing", "half a head", "half a body", "answered", "nonsense"],
)
def test_nobody_is_waited_for_longer_than_this(stream: bytes, seconds: float) -> None:
    hands = Hands()
    line = Line(now=hands.time)
    line.feed(stream)
    assert not line.connection.is_overdue(100.0)
    assert not line.connection.is_overdue(100.0 + seconds)
    assert line.connection.is_overdue(100.1 + seconds)


def test_an_answer_that_takes_long_is_nobodys_fault() -> None:
    line = Line()
    line.feed(LATER + post("/run")[:-1])
    assert not line.connection.is_overdue(100_000.0)
    line.connection.pause_writing()
    assert not line.connection.is_overdue(100_000.0)
    assert line.connection.is_overdue(100_076.0)
