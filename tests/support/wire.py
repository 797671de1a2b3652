"""One connection without a socket: bytes in, bytes out."""

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Any

from app.xxl_job.executor.arrival import ArrivalClock
from app.xxl_job.executor.connections import Connections
from app.xxl_job.executor.http_message import Request, build_reply
from app.xxl_job.executor.http_protocol import HttpConnection


class Wire(asyncio.Transport):
    """Remembers what is written, and what is done to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.ending = ""
        self.reading = True

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return self.ending in {"closed", "aborted"}

    def close(self) -> None:
        self.ending = self.ending or "closed"

    def abort(self) -> None:
        self.ending = "aborted"

    def write_eof(self) -> None:
        self.ending = "eof"

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


class EchoSite:
    """Tells what it was asked; `/later` is answered by the test, `/closed` refused by its head."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def refuse(self, request: Request) -> bytes | None:
        return build_reply(b'"refused"') if request.path == "/closed" else None

    def answer(self, request: Request) -> bytes | None:
        self.asked.append(request)
        return None if request.path == "/later" else echo(request)


def echo(request: Request) -> bytes:
    said = [request.method.decode(), request.path, bytes(request.body).decode()]
    return build_reply(json.dumps(said).encode())


class Line:
    """A connection, its site, and its two ends."""

    def __init__(self, *, most: int = 10, now: Callable[[], float] = lambda: 100.0) -> None:
        self.site = EchoSite()
        self.connections = Connections(ArrivalClock(now), most=most)
        self.connection = HttpConnection(self.site, self.connections)
        self.wire = Wire()
        self.connection.connection_made(self.wire)

    def feed(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.connection.data_received(piece)

    @property
    def answers(self) -> list[tuple[int, Any]]:
        """Status and content of each."""
        return list(split_answers(b"".join(self.wire.written)))


def split_answers(stream: bytes) -> Iterable[tuple[int, Any]]:
    while stream:
        head, _, rest = stream.partition(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        yield status, json.loads(rest[:length]) if length else None
        stream = rest[length:]
