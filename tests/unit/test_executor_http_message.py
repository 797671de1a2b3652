"""A request's parts, and the bytes of an answer."""

import pytest

from app.xxl_job.executor.http_message import Headers, Request, build_refusal, build_reply, fit_reply
from support.wire import Line

NOBODY = Line().connection


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/run", "/run", {}),
        (b"/runs?limit=5&state=done%2Cqueued&handler=", "/runs", {"limit": "5", "state": "done,queued", "handler": ""}),
        (b"/runs?handler=%E4%BD%A0", "/runs", {"handler": "你"}),
        (b"http://executor:9999/run?x=1", "/run", {"x": "1"}),
        (b"http://executor", "/", {}),
        (b"http://[::1", "/", {}),
        (b"*", "/", {}),
        (b"//run", "//run", {}),
        (b"/\xff", "/ÿ", {}),
    ],
)
def test_a_target_has_a_path_and_a_query(target: bytes, path: str, query: dict[str, str]) -> None:
    request = Request(responder=NOBODY, target=target)
    assert (request.path, request.query) == (path, query)


def test_headers_are_found_whatever_their_case() -> None:
    headers = Headers({b"xxl-job-access-token": b"secret", b"x-raw": b"\xff"})
    assert headers["XXL-JOB-ACCESS-TOKEN"] == headers.get("Xxl-Job-Access-Token") == "secret"
    assert headers["X-Raw"] == "\udcff"
    assert headers.get("XXL-JOB-APPNAME") is None
    assert sorted(headers) == ["x-raw", "xxl-job-access-token"]
    assert len(headers) == 2


def test_an_answer_is_head_and_body_in_one() -> None:
    assert build_reply(b'{"code": 200, "msg": null}') == (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 26\r\n\r\n"
        b'{"code": 200, "msg": null}'
    )


def test_a_refusal_has_the_protocols_body() -> None:
    reply = build_refusal("the request is too large", 413)
    assert reply.startswith(b"HTTP/1.1 413 Request Entity Too Large\r\n")
    assert reply.endswith(b'\r\n\r\n{"code": 500, "msg": "the request is too large"}')


def test_the_last_answer_of_a_connection_says_so() -> None:
    fitted = fit_reply(build_reply(b"a\r\n\r\nb"), Request(responder=NOBODY), closes=True)
    assert fitted.endswith(b"Content-Length: 6\r\nConnection: close\r\n\r\na\r\n\r\nb")


def test_a_caller_of_http_1_0_that_asks_for_it_is_told_that_the_connection_stays() -> None:
    request = Request(responder=NOBODY, is_http_1_0=True, keep_alive=True)
    assert fit_reply(build_reply(b"a"), request, closes=False).endswith(b"\r\nConnection: keep-alive\r\n\r\na")


def test_who_asks_for_the_head_gets_no_body() -> None:
    fitted = fit_reply(build_reply(b"abc"), Request(responder=NOBODY, method=b"HEAD"), closes=False)
    assert fitted.endswith(b"Content-Length: 3\r\n\r\n")
