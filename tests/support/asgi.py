"""Speaks ASGI to an application by hand, and hears what the middleware says about it."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from app.common import access_log
from app.common.access_log import AccessLog
from app.common.log_options import LevelTable
from app.common.logger import log
from app.config.trace_.exchange import ASGIApp


@dataclass
class Call:
    """One connection to an application. `leave()` is the client hanging up; unsent parts of its request never come."""

    scope: dict[str, Any]
    incoming: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    sent: list[dict[str, Any]] = field(default_factory=list)

    def leave(self) -> None:
        self.incoming.put_nowait({"type": "http.disconnect"})

    async def receive(self) -> dict[str, Any]:
        return await self.incoming.get()

    async def send(self, message: Any) -> None:
        self.sent.append(dict(message))

    async def run(self, app: ASGIApp) -> None:
        await app(self.scope, self.receive, self.send)

    @property
    def start(self) -> dict[str, Any]:
        return self.sent[0]

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.start["headers"]}


def http_call(path: str = "/", *, method: str = "GET", headers: Mapping[str, str] | None = None, **scope: Any) -> Call:
    call = Call(
        {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
            "client": ("192.0.2.7", 50000),
            "server": ("service.test", 80),
            **scope,
        }
    )
    call.incoming.put_nowait({"type": "http.request", "body": b"", "more_body": False})
    return call


def websocket_call(path: str = "/", *, headers: Mapping[str, str] | None = None) -> Call:
    call = http_call(path, headers=headers, type="websocket", subprotocols=[])
    call.incoming.get_nowait()
    call.incoming.put_nowait({"type": "websocket.connect"})
    return call


@contextmanager
def heard_access_lines() -> Iterator[list[str]]:
    """Access lines, as text, in place of where they go."""
    lines: list[str] = []
    former = access_log.current.log
    access_log.current.log = AccessLog(lambda render: lines.append(render()), LevelTable("INFO", {}), None)
    try:
        yield lines
    finally:
        access_log.current.log = former


@contextmanager
def heard_log() -> Iterator[list[dict[str, Any]]]:
    """Log records of every level: `message`, `level`, `extra`, `exception`."""
    records: list[dict[str, Any]] = []
    sink = log.add(lambda message: records.append(dict(message.record)), level=0)
    try:
        yield records
    finally:
        log.remove(sink)
