"""The port: taken first, served when everything stands."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from app.xxl_job.executor.http_message import Request
from app.xxl_job.executor.port import Port
from support.engine_desk import EngineDesk

CONFIGURATION = EngineDesk().configuration
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes"


class Yes:
    def refuse(self, request: Request) -> bytes | None:
        return None

    def answer(self, request: Request) -> bytes | None:
        return ANSWER


async def test_nobody_is_let_in_before_it_is_served() -> None:
    async with AsyncExitStack() as stack:
        port = Port()
        await port.bind(stack, CONFIGURATION)
        with pytest.raises(ConnectionError):
            await asyncio.open_connection("127.0.0.1", port.number)
        await port.serve(stack, Yes())
        reader, writer = await asyncio.open_connection("127.0.0.1", port.number)
        writer.write(b"POST /beat HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        assert await reader.readexactly(len(ANSWER)) == ANSWER
        writer.close()


async def test_a_port_that_is_taken_is_an_error() -> None:
    async with AsyncExitStack() as stack:
        first, second = Port(), Port()
        await first.bind(stack, CONFIGURATION)
        await first.serve(stack, Yes())
        with pytest.raises(OSError, match="address already in use"):
            await second.bind(stack, replace(CONFIGURATION, port=first.number))
