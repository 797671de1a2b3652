"""Connections: so many at once, a request that doesn't arrive is not waited for, and a farewell that takes no longer
than it may."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import pytest

from app.xxl_job.executor.arrival import ArrivalClock
from app.xxl_job.executor.connections import Connections
from app.xxl_job.executor.http_message import Request, build_reply
from app.xxl_job.executor.http_protocol import HttpConnection

REQUEST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
LATER = b"POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
HUGE = b"GET /huge HTTP/1.1\r\nHost: x\r\n\r\n"


class StubSite:
    """Says yes, or what is told later."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def refuse(self, request: Request) -> None: ...

    def answer(self, request: Request) -> bytes | None:
        self.asked.append(request)
        if request.path == "/later":
            return None
        return build_reply(b"x" * 50_000_000 if request.path == "/huge" else b"yes")


@dataclass
class Desk:
    connections: Connections
    site: StubSite
    port: int

    def sweep(self) -> None:
        self.connections.clock.tick()
        self.connections.sweep()

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)


@asynccontextmanager
async def serving(most: int = 100, arrival_seconds: float = 10.0, idle_seconds: float = 75.0) -> AsyncIterator[Desk]:
    clock = ArrivalClock(time.monotonic)
    site = StubSite()
    connections = Connections(clock, most=most, arrival_seconds=arrival_seconds, idle_seconds=idle_seconds)
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: HttpConnection(site, connections), "127.0.0.1", 0)
    try:
        yield Desk(connections, site, listening.sockets[0].getsockname()[1])
    finally:
        listening.close()
        await connections.close(1)
        assert len(connections) == 0


async def test_a_request_knows_when_its_first_byte_came() -> None:
    async with serving() as desk:
        reader, writer = await desk.connect()
        before = time.monotonic()
        writer.write(REQUEST[:-1])
        await writer.drain()
        await asyncio.sleep(0.15)
        writer.write(REQUEST[-1:])
        assert b"200 OK" in await reader.readuntil(b"yes")
        writer.close()
        assert desk.site.asked[0].arrived - before < 0.14


async def test_the_next_request_of_a_connection_has_its_own_arrival() -> None:
    async with serving() as desk:
        reader, writer = await desk.connect()
        for _ in range(2):
            writer.write(REQUEST)
            await reader.readuntil(b"yes")
            await asyncio.sleep(0.05)
        writer.close()
        assert desk.site.asked[1].arrived - desk.site.asked[0].arrived >= 0.05


async def test_what_was_not_read_while_another_was_answered_has_waited_since_then() -> None:
    async with serving() as desk:
        reader, writer = await desk.connect()
        writer.write(LATER + REQUEST)
        await wait_until(lambda: desk.site.asked)
        held_at = time.monotonic()
        await asyncio.sleep(0.05)
        writer.write(REQUEST)
        await asyncio.sleep(0.15)
        desk.site.asked[0].respond(build_reply(b"yes"))
        for _ in range(3):
            await reader.readuntil(b"yes")
        writer.close()
        assert desk.site.asked[2].arrived <= held_at


async def test_more_connections_than_allowed_are_closed_and_the_others_served() -> None:
    async with serving(most=2) as desk:
        pairs = [await desk.connect() for _ in range(2)]
        await wait_until(lambda: len(desk.connections) == 2)
        refused_reader, refused = await desk.connect()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await refused_reader.readexactly(1)
        refused.close()
        for reader, writer in pairs:
            writer.write(REQUEST)
            await reader.readuntil(b"yes")
            writer.close()
        await wait_until(lambda: len(desk.connections) == 0)


@pytest.mark.parametrize("sent", [b"", b"POST / HT", REQUEST[:-1]], ids=["nothing", "half a head", "half a body"])
async def test_a_request_that_does_not_arrive_is_given_up(sent: bytes) -> None:
    async with serving(arrival_seconds=0.05) as desk:
        reader, writer = await desk.connect()
        writer.write(sent)
        await wait_until(lambda: len(desk.connections) == 1)
        assert await is_swept(desk, reader)
        writer.close()


async def test_a_caller_that_sends_byte_after_byte_is_given_up_all_the_same() -> None:
    async with serving(arrival_seconds=0.1) as desk:
        reader, writer = await desk.connect()
        started = time.monotonic()
        with suppress(ConnectionError):
            for _ in range(200):
                writer.write(b"P" if desk.site.asked else b"\r\n")
                await asyncio.sleep(0.01)
                desk.sweep()
                if not len(desk.connections):
                    break
        with suppress(ConnectionError):
            await reader.read()
        writer.close()
        assert time.monotonic() - started < 1.5


async def test_an_idle_connection_and_one_that_waits_for_its_answer_are_left_alone() -> None:
    async with serving(arrival_seconds=0.05, idle_seconds=0.05) as desk:
        reader, writer = await desk.connect()
        writer.write(LATER)
        await wait_until(lambda: desk.site.asked)
        for _ in range(3):
            await asyncio.sleep(0.05)
            desk.sweep()
        desk.site.asked[0].respond(build_reply(b"yes"))
        await reader.readuntil(b"yes")
        desk.sweep()
        writer.write(REQUEST)
        assert (await reader.readuntil(b"yes")).startswith(b"HTTP/1.1 200 OK")
        writer.close()


async def test_a_connection_that_rests_for_too_long_is_closed() -> None:
    async with serving(idle_seconds=0.05) as desk:
        reader, writer = await desk.connect()
        writer.write(REQUEST)
        await reader.readuntil(b"yes")
        assert await is_swept(desk, reader)
        writer.close()


async def test_a_caller_that_does_not_read_its_answer_is_given_up() -> None:
    async with serving(idle_seconds=0.1) as desk:
        _reader, writer = await desk.connect()
        writer.transport.pause_reading()
        writer.write(HUGE + REQUEST)
        await wait_until(lambda: desk.site.asked)
        assert len(desk.site.asked) == 1
        await wait_until(lambda: desk.sweep() or len(desk.connections) == 0)
        writer.transport.abort()


async def test_a_long_answer_is_read_whole_and_only_then_the_next_request_answered() -> None:
    async with serving() as desk:
        reader, writer = await desk.connect()
        writer.write(HUGE + REQUEST)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Content-Length: 50000000" in head
        assert len(desk.site.asked) == 1
        assert await reader.readexactly(50_000_000) == b"x" * 50_000_000
        assert (await reader.readuntil(b"yes")).startswith(b"HTTP/1.1 200 OK")
        writer.close()


@pytest.mark.parametrize("sent", [REQUEST[:-1], LATER, LATER + LATER[:10], HUGE], ids=["half", "asked", "more", "huge"])
async def test_a_caller_that_goes_away_leaves_nothing(sent: bytes) -> None:
    async with serving() as desk:
        _reader, writer = await desk.connect()
        writer.write(sent)
        await wait_until(lambda: len(desk.connections) == 1)
        await wait_until(lambda: desk.site.asked or sent == REQUEST[:-1])
        writer.transport.abort()
        await asyncio.sleep(0.05)
        for request in desk.site.asked:
            request.respond(build_reply(b"yes"))
        await wait_until(lambda: len(desk.connections) == 0)
        assert len(desk.site.asked) == (sent != REQUEST[:-1])


async def test_a_caller_that_has_finished_sending_still_gets_its_answer() -> None:
    async with serving() as desk:
        reader, writer = await desk.connect()
        writer.write(LATER)
        writer.write_eof()
        await wait_until(lambda: desk.site.asked)
        await asyncio.sleep(0.05)
        desk.site.asked[0].respond(build_reply(b"yes"))
        answer = await reader.read()
        writer.close()
        assert b"Connection: close" in answer
        assert answer.endswith(b"yes")


async def test_at_the_end_answers_under_way_are_finished_and_idle_connections_closed() -> None:
    async with serving() as desk:
        idle_reader, idle = await desk.connect()
        reader, writer = await desk.connect()
        writer.write(LATER)
        await wait_until(lambda: desk.site.asked)
        closing = asyncio.ensure_future(desk.connections.close(5))
        assert await idle_reader.read() == b""
        assert not closing.done()
        desk.site.asked[0].respond(build_reply(b"yes"))
        answer = await reader.read()
        await closing
        assert b"Connection: close" in answer
        assert answer.endswith(b"yes")
        idle.close()
        writer.close()


async def test_at_the_end_nobody_is_waited_for_without_end() -> None:
    async with serving() as desk:
        reader, writer = await desk.connect()
        writer.write(LATER)
        await wait_until(lambda: desk.site.asked)
        started = time.monotonic()
        await desk.connections.close(0.1)
        assert time.monotonic() - started < 1
        assert len(desk.connections) == 0
        with suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()


async def is_swept(desk: Desk, reader: asyncio.StreamReader) -> bool:
    """Whether one of the sweeps closes the connection, without an answer."""
    await wait_until(lambda: desk.sweep() or len(desk.connections) == 0)
    with suppress(ConnectionError):
        return await reader.read() == b""
    return True


async def wait_until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)
