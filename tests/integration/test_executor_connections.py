"""Connections: so many at once, and a request that doesn't arrive is not waited for."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest
from aiohttp import web

from app.xxl_job.executor.arrival import ArrivalClock
from app.xxl_job.executor.connections import Connection, Connections

REQUEST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"


@dataclass
class Desk:
    connections: Connections
    port: int
    arrivals: list[float]

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)


@asynccontextmanager
async def serving(most: int = 100, arrival_seconds: float = 10.0) -> AsyncIterator[Desk]:
    arrivals: list[float] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        await request.read()
        assert isinstance(request.protocol, Connection)
        arrivals.append(request.protocol.take_arrival())
        return web.Response(text="yes")

    loop = asyncio.get_running_loop()
    clock = ArrivalClock(time.monotonic)
    connections = Connections(clock, most=most, arrival_seconds=arrival_seconds)
    server = web.Server(answer)
    async with AsyncExitStack() as stack:
        listening = await loop.create_server(lambda: Connection(server, connections, loop), "127.0.0.1", 0)
        stack.push_async_callback(server.shutdown, 1)
        stack.callback(listening.close)
        yield Desk(connections, listening.sockets[0].getsockname()[1], arrivals)


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
        assert desk.arrivals[0] - before < 0.14


async def test_the_next_request_of_a_connection_has_its_own_arrival() -> None:
    async with serving() as desk:
        reader, writer = await desk.connect()
        for _ in range(2):
            writer.write(REQUEST)
            await reader.readuntil(b"yes")
            await asyncio.sleep(0.05)
        writer.close()
        assert desk.arrivals[1] - desk.arrivals[0] >= 0.05


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
        await asyncio.sleep(0.1)
        desk.connections.sweep(time.monotonic())
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()


async def test_an_idle_connection_and_one_that_waits_for_its_answer_are_left_alone() -> None:
    async with serving(arrival_seconds=0.05) as desk:
        reader, writer = await desk.connect()
        writer.write(REQUEST)
        await reader.readuntil(b"yes")
        await asyncio.sleep(0.1)
        desk.connections.sweep(time.monotonic())
        writer.write(REQUEST)
        await reader.readuntil(b"yes")
        writer.close()
        assert len(desk.arrivals) == 2


async def wait_until(condition: object) -> None:
    assert callable(condition)
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)
