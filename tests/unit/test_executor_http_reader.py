"""What is a request, what isn't, and how much of it is taken."""

import pytest

from app.xxl_job.executor.http_message import Request
from app.xxl_job.executor.http_reader import LARGEST_BODY_BYTES, LARGEST_HEAD_BYTES, RequestReader

HEAD = b"POST /run HTTP/1.1\r\nHost: x\r\n"
OFFER = HEAD + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n"
MIB = 1024 * 1024


class Ear:
    """Remembers what it hears."""

    def __init__(self, refusal: bytes | None = None) -> None:
        self.begun: list[float] = []
        self.asked: list[Request] = []
        self.invitations = 0
        self.received: list[Request] = []
        self._refusal = refusal

    def begin(self, arrived: float) -> None:
        self.begun.append(arrived)

    def refuse(self, request: Request) -> bytes | None:
        self.asked.append(request)
        return self._refusal

    def invite(self) -> None:
        self.invitations += 1

    def receive(self, request: Request) -> None:
        self.received.append(request)

    def respond(self, request: Request, reply: bytes) -> None: ...


def read(*pieces: bytes, refusal: bytes | None = None) -> Ear:
    """Each piece comes a second after the one before."""
    ear = Ear(refusal)
    reader = RequestReader(ear)
    for second, piece in enumerate(pieces):
        reader.feed(piece, float(second))
    return ear


def statuses(ear: Ear) -> list[int | None]:
    """None for what is to be answered by its endpoint."""
    return [request.refusal and int(request.refusal.split(b" ", 2)[1]) for request in ear.received]


@pytest.mark.parametrize(
    "stream",
    [
        HEAD + b"Content-Length: 2\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;name=value\r\n}\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nXXL-JOB-ACCESS-TOKEN: late\r\n\r\n",
        b"\r\n\r\n" + HEAD + b"Content-Length: 2\r\n\r\n{}",
        HEAD
        + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\nContent-Length: 2\r\n\r\n{}",
        HEAD + b"Connection: Upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ],
    ids=["length", "chunked", "trailers", "blank lines before", "offer of http/2", "offer of http/2, chunked"],
)
def test_a_body_is_read_however_it_comes_and_the_next_request_after_it(stream: bytes) -> None:
    for where in range(1, len(stream) * 2):
        ear = read((stream * 2)[:where], (stream * 2)[where:])
        assert [(one.method, one.target, bytes(one.body)) for one in ear.received] == [(b"POST", b"/run", b"{}")] * 2
        assert "xxl-job-access-token" not in ear.received[1].headers
        assert all(one.keep_alive for one in ear.received)


@pytest.mark.parametrize(
    ("head", "keeps"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", True),
        (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", False),
        (b"GET / HTTP/1.1\r\nConnection: close, Upgrade\r\nUpgrade: h2c\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", True),
    ],
)
def test_after_the_last_request_of_a_connection_nothing_is_read(head: bytes, keeps: bool) -> None:
    ear = read(head, b"GET /next HTTP/1.1\r\n\r\n", b"what else")
    assert ear.received[0].keep_alive is keeps
    assert statuses(ear) == ([None, None, 400] if keeps else [None])


@pytest.mark.parametrize(
    "stream",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"hello\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\nHost: x\n\n",
        b"GET /\x00 HTTP/1.1\r\n\r\n",
        b"CONNECT db:3306 HTTP/1.1\r\n\r\n",
        HEAD + b"Name : value\r\n\r\n",
        HEAD + b"Name: value\r\n folded\r\n\r\n",
        HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        HEAD + b"Content-Length: -2\r\n\r\n{}",
        HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n{}",
        HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: gzip\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_http_is_answered_400_once_and_read_no_further(stream: bytes) -> None:
    ear = read(stream, b"GET / HTTP/1.1\r\n\r\n")
    assert statuses(ear) == [400]
    assert not ear.received[0].keep_alive
    assert not ear.received[0].is_whole


def test_what_was_asked_before_the_nonsense_is_left_as_it_is() -> None:
    ear = read(HEAD + b"Content-Length: 2\r\n\r\n{}\x16\x03")
    assert statuses(ear) == [None, 400]
    assert (ear.received[0].keep_alive, bytes(ear.received[0].body)) == (True, b"{}")


def test_a_head_of_nearly_the_limit_is_taken() -> None:
    room = LARGEST_HEAD_BYTES - 200
    assert statuses(read(HEAD + b"A: " + b"a" * room + b"\r\n\r\n")) == [None]


@pytest.mark.parametrize(
    "endless",
    [[HEAD, *[b"Name: value\r\n"] * 3000], [HEAD, b"A: ", *[b"a" * 1000] * 40], [b"GET /", *[b"a" * 1000] * 40]],
    ids=["headers", "one header", "the target"],
)
@pytest.mark.parametrize("together", [True, False])
def test_a_head_beyond_the_limit_is_431_though_it_never_ends(endless: list[bytes], together: bool) -> None:
    ear = read(b"".join(endless) + b" HTTP/1.1\r\nB: b\r\n\r\n") if together else read(*endless)
    assert statuses(ear) == [431]


def test_trailers_beyond_the_limit_are_431() -> None:
    trailers = b"Name: value\r\n" * 3000
    ear = read(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n" + trailers + b"\r\n")
    assert statuses(ear) == [431]


def test_a_body_of_the_limit_is_taken_and_one_byte_more_is_413_before_any_of_it_was_read() -> None:
    assert statuses(read(HEAD + b"Content-Length: %d\r\n\r\n" % LARGEST_BODY_BYTES, b"x" * LARGEST_BODY_BYTES)) == [
        None
    ]
    assert statuses(read(HEAD + b"Content-Length: %d\r\n\r\n" % (LARGEST_BODY_BYTES + 1))) == [413]


def test_a_chunked_body_beyond_the_limit_is_413_as_soon_as_it_is() -> None:
    chunk = b"100000\r\n" + b"x" * MIB + b"\r\n"
    ear = read(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 5)
    assert statuses(ear) == []
    reader_of_more = read(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 5, b"1\r\nx\r\n")
    assert statuses(reader_of_more) == [413]


def test_of_a_refused_request_no_body_is_kept() -> None:
    ear = read(HEAD + b"Content-Length: 200000\r\n\r\n", b"x" * 200_000, refusal=b"HTTP/1.1 200 no")
    assert ear.asked == ear.received
    assert (bytes(ear.received[0].body), ear.received[0].refusal) == (b"", b"HTTP/1.1 200 no")
    assert ear.received[0].keep_alive


@pytest.mark.parametrize("length", [LARGEST_BODY_BYTES + 1, 10**15])
def test_a_refused_request_with_too_large_a_body_is_refused_at_once(length: int) -> None:
    ear = read(HEAD + b"Content-Length: %d\r\n\r\n" % length, refusal=b"HTTP/1.1 200 no")
    assert [one.refusal for one in ear.received] == [b"HTTP/1.1 200 no"]
    assert not ear.received[0].is_whole


def test_who_expects_to_be_asked_for_the_body_is_asked_or_refused_at_once() -> None:
    head = HEAD + b"Content-Length: 2\r\nExpect: 100-Continue\r\n\r\n"
    assert read(head).invitations == 1
    refused = read(head, refusal=b"HTTP/1.1 200 no")
    assert (refused.invitations, statuses(refused), refused.received[0].is_whole) == (0, [200], False)


def test_a_request_arrived_with_its_first_byte() -> None:
    request = HEAD + b"Content-Length: 2\r\n\r\n{}"
    ear = read(request[:1], request[1:20], request[20:] + request, request + request[:3], request[3:])
    assert [one.arrived for one in ear.received] == [0.0, 2.0, 3.0, 3.0]
    assert ear.begun == [0.0, 2.0, 3.0, 3.0]


def test_an_offer_of_http_2_changes_nothing_of_when_a_request_arrived() -> None:
    request = HEAD + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\n{}"
    assert read(request[:1], request[1:]).received[0].arrived == 0.0
