"""Triggers over raw connections that stay open: thousands at once, or many in a row."""

import asyncio
import json
import time
from collections.abc import Iterable, Sequence
from typing import Any, Final, Self

from servers.ports import HOST
from support.load import Answered, Load, Sent

OPENING: Final = 100


class Line:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, load: Load) -> None:
        self._reader = reader
        self._writer = writer
        self._load = load

    @classmethod
    async def open(cls, load: Load) -> Self:
        return cls(*await asyncio.open_connection(HOST, load.port), load)

    async def send(self, body: dict[str, Any]) -> None:
        raw = json.dumps(body).encode()
        head = (
            f"POST /run HTTP/1.1\r\nHost: {HOST}:{self._load.port}\r\nContent-Type: application/json\r\n"
            f"XXL-JOB-ACCESS-TOKEN: {self._load.token}\r\nContent-Length: {len(raw)}\r\n\r\n"
        )
        begun = time.monotonic()
        try:
            self._writer.write(head.encode() + raw)
            answer = await self._answer()
        except (OSError, EOFError) as error:
            sent = Sent(body, Answered.SILENT, repr(error), time.monotonic() - begun)
        else:
            kind = Answered.ACCEPTED if answer["code"] == 200 else Answered.REFUSED
            sent = Sent(body, kind, answer["msg"], time.monotonic() - begun)
        self._load.sent.append(sent)

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def _answer(self) -> dict[str, Any]:
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        return dict(json.loads(await self._reader.readexactly(length)))


async def open_lines(load: Load, count: int) -> list[Line]:
    """A few at a time, so that the listener's backlog isn't what is measured."""
    lines: list[Line] = []
    while len(lines) < count:
        lines += await asyncio.gather(*(Line.open(load) for _ in range(min(OPENING, count - len(lines)))))
    return lines


async def send_at_once(load: Load, bodies: Sequence[dict[str, Any]]) -> list[Sent]:
    """Each on a connection of its own, all at the same moment."""
    before = len(load.sent)
    lines = await open_lines(load, len(bodies))
    await asyncio.gather(*(line.send(body) for line, body in zip(lines, bodies, strict=True)))
    await asyncio.gather(*(line.close() for line in lines))
    return load.sent[before:]


async def send_in_a_row(load: Load, bodies: Iterable[dict[str, Any]], connections: int = 8) -> None:
    """One after the other on each of a few connections."""
    left = iter(bodies)

    async def work(line: Line) -> None:
        for body in left:
            await line.send(body)
        await line.close()

    await asyncio.gather(*map(work, await open_lines(load, connections)))
