"""Connections to the executor: a bounded number of them, and each request must arrive in time."""

import asyncio
from typing import Final

from aiohttp import web

from app.common.logger import log
from app.xxl_job.executor.arrival import ArrivalClock

MOST_CONNECTIONS: Final = 4096
ARRIVAL_SECONDS: Final = 10.0
"""From a request's first byte, or the connection's begin, to the last byte of its body."""
IDLE_SECONDS: Final = 75.0
"""The console's client keeps its connections for a few seconds."""


class Connections:
    """All that are open. Belongs to the control loop."""

    def __init__(
        self, clock: ArrivalClock, *, most: int = MOST_CONNECTIONS, arrival_seconds: float = ARRIVAL_SECONDS
    ) -> None:
        self.clock = clock
        self._most = most
        self._arrival_seconds = arrival_seconds
        self._open: set[Connection] = set()
        self._refusing = False

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, connection: "Connection") -> bool:
        if len(self._open) >= self._most:
            if not self._refusing:
                log.bind(connections=len(self._open)).warning("too many connections, new ones are closed")
            self._refusing = True
            return False
        self._open.add(connection)
        return True

    def release(self, connection: "Connection") -> None:
        self._open.discard(connection)
        self._refusing = self._refusing and len(self._open) >= self._most // 2

    def sweep(self, now: float) -> None:
        """Closes those whose request takes too long to arrive. To be called about once a second."""
        for connection in list(self._open):
            since = connection.arriving_since
            if since is not None and now - since > self._arrival_seconds:
                connection.abort()


class Connection(web.RequestHandler):
    """One of them: knows since when the present request has been arriving."""

    __slots__ = ("_all", "_read_at", "arriving_since")

    def __init__(self, server: web.Server, connections: Connections, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(server, loop=loop, access_log=None, keepalive_timeout=IDLE_SECONDS)  # type: ignore[arg-type]
        self._all = connections
        self._read_at = 0.0
        self.arriving_since: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not self._all.admit(self):
            if isinstance(transport, asyncio.Transport):
                transport.abort()
            return
        self.arriving_since = self._all.clock.arrival()
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._all.release(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        arrival = self._all.clock.arrival()
        if self.arriving_since is None or not self._read_at:
            self.arriving_since = arrival
        self._read_at = arrival
        super().data_received(data)

    def take_arrival(self) -> float:
        """When the present request began to arrive; it is complete now, the next one may come."""
        since, self.arriving_since = self.arriving_since, None
        return self._read_at if since is None else since

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.close()
