"""What is an answer of a console, what isn't, and how much of it is taken."""

import pytest

from app.common.errors import UpstreamError
from app.xxl_job.executor.console_answer import (
    LARGEST_ANSWER_BYTES,
    LARGEST_STREAM_BYTES,
    Answer,
    AnswerReader,
    ClientPayloadError,
    ClientResponseError,
    ServerDisconnectedError,
)

OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = OK + b"Content-Length: 2\r\n\r\n{}"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;name=value\r\n}\r\n0\r\nDate: late\r\n\r\n"
UNTIL_CLOSE = OK + b"Connection: close\r\n\r\n{}"


def read(*pieces: bytes, ends: bool = False) -> AnswerReader:
    reader = AnswerReader()
    for piece in pieces:
        reader.feed(piece)
    if ends:
        reader.end()
    return reader


@pytest.mark.parametrize(
    ("stream", "status", "is_last"),
    [
        (LENGTH, 200, False),
        (CHUNKED, 200, False),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + LENGTH, 200, False),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + CHUNKED, 200, False),
        (OK + b"Connection: Upgrade, Keep-Alive\r\nUpgrade: h2,h2c\r\nContent-Length: 2\r\n\r\n{}", 200, False),
        (OK + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}", 200, True),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, True),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}", 200, False),
        (b"HTTP/1.1 500 \r\nContent-Length: 2\r\n\r\n{}", 500, False),
        (b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 2\r\n\r\n{}", 302, False),
    ],
    ids=["length", "chunked", "100", "103, 102", "offer of http/2", "close", "1.0", "1.0, kept", "500", "302"],
)
def test_an_answer_is_read_however_it_is_cut(stream: bytes, status: int, is_last: bool) -> None:
    for where in range(1, len(stream) + 1):
        before = read(stream[:where])
        assert (before.answer is None) is (where < len(stream))
        reader = read(stream[:where], stream[where:])
        assert (reader.answer, reader.is_last) == (Answer(status, b"{}"), is_last)
    assert read(*(bytes([byte]) for byte in stream)).answer == (status, b"{}")


@pytest.mark.parametrize("stream", [LENGTH, CHUNKED])
def test_the_next_answer_is_read_after_it(stream: bytes) -> None:
    reader = read(stream)
    reader.begin()
    assert (reader.answer, reader.has_begun) == (None, False)
    reader.feed(b"HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nx")
    assert reader.answer == Answer(404, b"x")


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_is_complete(status: int) -> None:
    assert read(b"HTTP/1.1 %d x\r\n\r\n" % status).answer == Answer(status, b"")


@pytest.mark.parametrize("head", [b"Connection: close\r\n", b"", b"Transfer-Encoding: gzip\r\n"])
def test_an_answer_without_a_length_ends_with_the_connection(head: bytes) -> None:
    stream = OK + head + b"\r\n{}"
    for where in range(1, len(stream)):
        reader = read(stream[:where], stream[where:])
        assert reader.answer is None
        reader.end()
        assert (reader.answer, reader.is_last) == (Answer(200, b"{}"), True)


@pytest.mark.parametrize("stream", [LENGTH, CHUNKED, b"HTTP/1.1 100 Continue\r\n\r\n" + LENGTH])
def test_an_answer_that_breaks_off_is_none(stream: bytes) -> None:
    for where in range(1, len(stream)):
        with pytest.raises(ClientPayloadError):
            read(stream[:where], ends=True)
    assert read(stream, ends=True).answer == Answer(200, b"{}")


def test_a_connection_that_ends_before_an_answer_is_told_apart() -> None:
    with pytest.raises(ServerDisconnectedError):
        read(ends=True)


@pytest.mark.parametrize(
    "stream",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x15\x03\x01\x00\x02\x02\x50",
        b"HTTP/1.1 two OK\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        OK + b"Content-Length: -1\r\n\r\n{}",
        OK + b"Transfer-Encoding: chunked\r\n\r\nx\r\n{}",
    ],
)
def test_what_is_no_http_is_refused(stream: bytes) -> None:
    with pytest.raises(ClientResponseError, match="not valid HTTP"):
        read(stream)


@pytest.mark.parametrize("more", [LENGTH, b"garbage", b"H"])
def test_after_an_answer_nobody_asked_for_the_connection_is_of_no_use(more: bytes) -> None:
    reader = read(LENGTH + more)
    assert (reader.answer, reader.is_last) == (Answer(200, b"{}"), True)


@pytest.mark.parametrize("head", [b"Content-Length: 1000000\r\n", b""])
def test_a_huge_body_is_cut_and_not_read_to_its_end(head: bytes) -> None:
    reader = read(OK + head + b"\r\n", *[b"x" * 10_000] * 7)
    assert (reader.answer, reader.is_last) == (Answer(200, b"x" * LARGEST_ANSWER_BYTES), True)


def test_the_largest_body_is_taken_whole() -> None:
    reader = read(OK + b"Content-Length: %d\r\n\r\n" % LARGEST_ANSWER_BYTES, b"x" * LARGEST_ANSWER_BYTES)
    assert (reader.answer, reader.is_last) == (Answer(200, b"x" * LARGEST_ANSWER_BYTES), False)


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (OK, b"X-Same: " + b"x" * 1000 + b"\r\n"),
        (OK + b"X-Long: ", b"x" * 1000),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 40),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1;" + b"x" * 998 + b"\r\nx\r\n"),
    ],
    ids=["headers", "one header", "preliminaries", "frames"],
)
def test_an_answer_that_never_comes_to_its_point_is_refused(start: bytes, piece: bytes) -> None:
    with pytest.raises(UpstreamError, match="too long"):
        read(start, *[piece] * (LARGEST_STREAM_BYTES // len(piece) + 1))
