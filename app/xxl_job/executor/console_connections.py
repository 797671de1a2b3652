"""The connections to the consoles: kept for the next request, and closed when none comes."""

import asyncio
import socket
import ssl
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from app.common.errors import UpstreamError
from app.xxl_job.executor.console_answer import Answer, ServerDisconnectedError
from app.xxl_job.executor.console_connection import ConsoleConnection
from app.xxl_job.executor.console_request import Origin, build_request, locate

IDLE_SECONDS: Final = 30.0
TURN_SECONDS: Final = 2.0
"""For each but the last address of a name: a dead one that swallows everything takes no more."""
_MOST_IDLE: Final = 4
_SHUTDOWN_SECONDS: Final = 1.0


class ClientConnectorError(UpstreamError):
    """No connection could be made."""


class ConsoleConnections:
    """Follows no redirect, keeps no cookie, asks no proxy. Belongs to one loop."""

    def __init__(
        self, timeout_seconds: float, idle_seconds: float = IDLE_SECONDS, turn_seconds: float = TURN_SECONDS
    ) -> None:
        """`timeout_seconds`: of a request with all that it takes."""
        self._timeout_seconds = timeout_seconds
        self._idle_seconds = idle_seconds
        self._turn_seconds = turn_seconds
        self._idle: dict[Origin, list[ConsoleConnection]] = defaultdict(list)
        self._all: set[ConsoleConnection] = set()
        self._tls: ssl.SSLContext | None = None
        self._sweep: asyncio.TimerHandle | None = None
        self._gone: asyncio.Future[None] | None = None

    async def close(self) -> None:
        """Closes all at once, also under a request. Returns when they are closed."""
        if self._sweep is not None:
            self._sweep.cancel()
        self._gone = asyncio.get_running_loop().create_future()
        for connection in list(self._all):
            connection.abort()
        if self._all:
            await self._gone

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Raises TimeoutError, OSError, ValueError (an address or a header that can't be), UpstreamError (the rest)."""
        origin, beginning = locate(url)
        request = build_request(beginning, headers, body)
        deadline = asyncio.get_running_loop().time() + self._timeout_seconds
        kept = self._take(origin)
        if kept is not None:
            try:
                return await self._exchange(origin, kept, request, deadline)
            except ServerDisconnectedError:  # as consoles do with connections that have rested for some time
                pass
        async with asyncio.timeout_at(deadline):
            connection = await self._connect(origin)
        return await self._exchange(origin, connection, request, deadline)

    def _take(self, origin: Origin) -> ConsoleConnection | None:
        idle = self._idle[origin]
        while idle:
            connection = idle.pop()
            if connection.is_reusable:
                return connection
            connection.abort()
        return None

    async def _exchange(self, origin: Origin, connection: ConsoleConnection, request: bytes, deadline: float) -> Answer:
        answer = connection.ask(request)
        timer = asyncio.get_running_loop().call_at(deadline, _give_up, answer)  # asyncio.timeout costs five of it
        try:
            return await answer
        finally:
            timer.cancel()
            self._give_back(origin, connection)

    def _give_back(self, origin: Origin, connection: ConsoleConnection) -> None:
        idle = self._idle[origin]
        if self._gone is not None or len(idle) >= _MOST_IDLE or not connection.is_reusable:
            connection.abort()
            return
        loop = asyncio.get_running_loop()
        connection.idle_since = loop.time()
        idle.append(connection)
        if self._sweep is None:
            self._sweep = loop.call_later(self._idle_seconds, self._close_idle)

    def _close_idle(self) -> None:
        """Looks again when the one that has rested longest is due: no timer for each request."""
        loop = asyncio.get_running_loop()
        since = loop.time() - self._idle_seconds
        for origin, connections in list(self._idle.items()):
            for connection in connections:
                if connection.idle_since <= since:
                    connection.abort()
            self._idle[origin] = [connection for connection in connections if connection.idle_since > since]
            if not self._idle[origin]:
                del self._idle[origin]
        rest = [connection.idle_since for connections in self._idle.values() for connection in connections]
        self._sweep = loop.call_later(max(0.0, min(rest) - since), self._close_idle) if rest else None

    async def _connect(self, origin: Origin) -> ConsoleConnection:
        """Tries the addresses of a name one after the other."""
        try:
            *others, last = await _resolve(origin)
            for address in others:
                with suppress(OSError):  # TimeoutError too, but not that of the whole request
                    async with asyncio.timeout(self._turn_seconds):
                        return await self._connect_to(address, origin)
            return await self._connect_to(last, origin)
        except OSError as error:
            raise ClientConnectorError(f"Cannot connect to {origin.host}:{origin.port} [{error}]") from error

    async def _connect_to(self, address: str, origin: Origin) -> ConsoleConnection:
        if self._gone is not None:
            raise ClientConnectorError
        connection = ConsoleConnection(self._all.add, self._lost)
        is_made = False
        try:
            await self._open(address, origin, connection)
            is_made = True
        finally:
            if not is_made:
                connection.abort()
        return connection

    async def _open(self, address: str, origin: Origin, connection: ConsoleConnection) -> None:
        loop = asyncio.get_running_loop()
        if not origin.is_tls:
            await loop.create_connection(lambda: connection, address, origin.port)
            return
        if self._tls is None:
            self._tls = await asyncio.to_thread(ssl.create_default_context)  # reads the authorities' files
        await loop.create_connection(
            lambda: connection,
            address,
            origin.port,
            ssl=self._tls,
            server_hostname=origin.host,
            ssl_handshake_timeout=self._timeout_seconds,
            ssl_shutdown_timeout=_SHUTDOWN_SECONDS,
        )

    def _lost(self, connection: ConsoleConnection) -> None:
        self._all.discard(connection)
        for idle in self._idle.values():
            if connection in idle:
                idle.remove(connection)
        if self._gone is not None and not self._all:
            self._gone.set_result(None)


async def _resolve(origin: Origin) -> list[str]:
    """The addresses of the host; its name itself where there is but one."""
    found = await asyncio.get_running_loop().getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
    return addresses if len(addresses) > 1 else [origin.host]


def _give_up(answer: asyncio.Future[Answer]) -> None:
    if not answer.done():
        answer.set_exception(TimeoutError())
