"""Connections to the executor: a bounded number of them, and nobody is waited for without end."""

import asyncio
from contextlib import suppress
from typing import Final, Protocol

from app.common.logger import log
from app.xxl_job.executor.arrival import ArrivalClock

MOST_CONNECTIONS: Final = 4096
ARRIVAL_SECONDS: Final = 10.0
"""From a request's first byte, or the connection's begin, to the last byte of its body."""
IDLE_SECONDS: Final = 75.0
"""The console's client keeps its connections for a few seconds. It's also how long an answer may wait to be read."""


class Connection(Protocol):
    """One of them."""

    def is_overdue(self, now: float) -> bool: ...

    def leave(self) -> None:
        """Closes as soon as what was asked is answered."""
        ...

    def abort(self) -> None:
        """Closes at once."""
        ...


class Connections:
    """All that are open. Belongs to the control loop."""

    def __init__(
        self,
        clock: ArrivalClock,
        *,
        most: int = MOST_CONNECTIONS,
        arrival_seconds: float = ARRIVAL_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self.clock = clock
        self.arrival_seconds = arrival_seconds
        self.idle_seconds = idle_seconds
        self._most = most
        self._open: set[Connection] = set()
        self._refusing = False
        self._all_closed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, connection: Connection) -> bool:
        if len(self._open) >= self._most:
            if not self._refusing:
                log.bind(connections=len(self._open)).warning("too many connections, new ones are closed")
            self._refusing = True
            return False
        self._open.add(connection)
        return True

    def release(self, connection: Connection) -> None:
        self._open.discard(connection)
        self._refusing = self._refusing and len(self._open) >= self._most // 2
        if not self._open:
            self._all_closed.set()

    def sweep(self) -> None:
        """Closes those that take too long. To be called about once a second."""
        now = self.clock.arrival()  # after a standstill of ours: what came meanwhile hasn't been read yet
        for connection in list(self._open):
            if connection.is_overdue(now):
                connection.abort()

    async def close(self, seconds: float) -> None:
        """Closes all: at once where nothing is asked, after the answer elsewhere, and after `seconds` the rest."""
        for connection in list(self._open):
            connection.leave()
        if not await self._wait_until_closed(seconds):
            for connection in list(self._open):
                connection.abort()
            await self._wait_until_closed(seconds)

    async def _wait_until_closed(self, seconds: float) -> bool:
        self._all_closed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                if self._open:
                    await self._all_closed.wait()
        return not self._open
