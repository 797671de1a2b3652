"""One connection to a console, fed by hand."""

import asyncio

import pytest

from app.xxl_job.executor.console_answer import Answer, ClientPayloadError, ClientResponseError, ServerDisconnectedError
from app.xxl_job.executor.console_connection import ConsoleConnection

HEAD = b"HTTP/1.1 200 OK\r\n"
ANSWER = HEAD + b"Content-Length: 2\r\n\r\n{}"


class Wire(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.unsent = 0
        self.is_aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def is_closing(self) -> bool:
        return self.is_aborted

    def abort(self) -> None:
        self.is_aborted = True


class Desk:
    def __init__(self) -> None:
        self.made: list[ConsoleConnection] = []
        self.lost: list[ConsoleConnection] = []
        self.wire = Wire()
        self.connection = ConsoleConnection(self.made.append, self.lost.append)
        self.connection.connection_made(self.wire)


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_one_request_after_the_other_is_answered(desk: Desk) -> None:
    for request in (b"one", b"two"):
        answer = desk.connection.ask(request)
        desk.connection.data_received(ANSWER[:20])
        assert not answer.done()
        assert not desk.connection.is_reusable
        desk.connection.data_received(ANSWER[20:])
        assert await answer == Answer(200, b"{}")
        assert desk.connection.is_reusable
    assert desk.wire.written == b"onetwo"
    assert (desk.made, desk.lost) == ([desk.connection], [])


@pytest.mark.parametrize("reset", [None, ConnectionResetError(104, "reset")])
async def test_a_connection_that_closes_before_an_answer_is_stale(desk: Desk, reset: Exception | None) -> None:
    answer = desk.connection.ask(b"one")
    desk.connection.connection_lost(reset)
    with pytest.raises(ServerDisconnectedError) as caught:
        await answer
    assert caught.value.__cause__ is reset
    assert desk.lost == [desk.connection]
    assert not desk.connection.is_reusable


async def test_a_connection_that_is_gone_is_stale(desk: Desk) -> None:
    desk.connection.connection_lost(None)
    with pytest.raises(ServerDisconnectedError):
        await desk.connection.ask(b"one")
    assert desk.wire.written == b""


async def test_the_end_within_an_answer_is_a_failure(desk: Desk) -> None:
    answer = desk.connection.ask(b"one")
    desk.connection.data_received(ANSWER[:-1])
    desk.connection.eof_received()
    desk.connection.connection_lost(None)
    with pytest.raises(ClientPayloadError):
        await answer


async def test_a_reset_within_an_answer_is_told_as_such(desk: Desk) -> None:
    answer = desk.connection.ask(b"one")
    desk.connection.data_received(HEAD + b"\r\n{}")
    desk.connection.connection_lost(ConnectionResetError(104, "reset"))
    with pytest.raises(ConnectionResetError):
        await answer


async def test_an_answer_without_length_is_complete_at_the_end(desk: Desk) -> None:
    answer = desk.connection.ask(b"one")
    desk.connection.data_received(HEAD + b"\r\n{}")
    desk.connection.eof_received()
    assert await answer == Answer(200, b"{}")
    assert not desk.connection.is_reusable


async def test_garbage_is_a_failure_and_what_follows_closes(desk: Desk) -> None:
    answer = desk.connection.ask(b"one")
    desk.connection.data_received(b"garbage")
    with pytest.raises(ClientResponseError):
        await answer
    assert not desk.connection.is_reusable
    desk.connection.data_received(ANSWER)
    assert desk.wire.is_aborted


@pytest.mark.parametrize("asked", [False, True])
async def test_what_comes_unasked_closes_the_connection(desk: Desk, asked: bool) -> None:
    if asked:
        answer = desk.connection.ask(b"one")
        desk.connection.data_received(ANSWER)
        assert await answer == Answer(200, b"{}")
    desk.connection.data_received(ANSWER)
    assert desk.wire.is_aborted
    assert not desk.connection.is_reusable


async def test_a_request_that_was_given_up_leaves_no_answer_to_the_next(desk: Desk) -> None:
    desk.connection.ask(b"one").cancel()
    assert not desk.connection.is_reusable
    desk.connection.data_received(ANSWER)
    assert desk.wire.is_aborted


async def test_an_answer_to_half_a_request_ends_the_connection(desk: Desk) -> None:
    answer = desk.connection.ask(b"one")
    desk.wire.unsent = 1
    desk.connection.data_received(ANSWER)
    assert await answer == Answer(200, b"{}")
    assert not desk.connection.is_reusable


async def test_what_was_given_up_while_it_was_made_closes_at_once() -> None:
    wire, connection = Wire(), ConsoleConnection(lambda _: None, lambda _: None)
    connection.abort()
    connection.connection_made(wire)
    assert wire.is_aborted
