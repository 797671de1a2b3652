"""aiomysql and pymysql with bounds: a server that accepts and then says nothing must not hold a request forever.

Both drivers' connect timeouts end with the TCP connection; handshake and ping wait without end. Queries stay unbounded.
Imported only where MySQL is configured.
"""

import asyncio
from typing import TYPE_CHECKING, Any, Final, Literal

import aiomysql
import pymysql
from pymysql.constants import CR

PING_SECONDS: Final = 1.0
_AioConnection: Any = aiomysql.Connection
if TYPE_CHECKING:
    _Connection = pymysql.Connection[Any]
else:
    _Connection = pymysql.Connection


class BoundedAsyncConnection(_AioConnection):  # type: ignore[misc] # aiomysql has no types
    """An aiomysql connection whose handshake and ping end in time."""

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(self.connect_timeout):
                await super()._connect()
        except TimeoutError as error:
            raise pymysql.OperationalError(CR.CR_CONN_HOST_ERROR, "no handshake in time") from error

    async def ping(self, reconnect: bool = False) -> None:
        try:
            async with asyncio.timeout(PING_SECONDS):
                await super().ping(reconnect=reconnect)
        except TimeoutError as error:
            raise pymysql.OperationalError(CR.CR_SERVER_LOST, "no answer to a ping in time") from error


async def connect_bounded(**arguments: Any) -> BoundedAsyncConnection:
    """Like `aiomysql.connect`."""
    connection = BoundedAsyncConnection(**arguments)
    await connection._connect()  # as aiomysql.connect does: the constructor does not connect
    return connection


class BoundedConnection(_Connection):
    """A pymysql connection whose handshake and ping end in time."""

    _read_timeout: float | None

    def connect(self, sock: Any = None) -> None:
        self._read_timeout = self.connect_timeout
        try:
            super().connect(sock)
        finally:
            self._read_timeout = None

    def ping(self, reconnect: Literal[False] | None = None) -> None:  # type: ignore[override] # True is deprecated
        self._read_timeout = PING_SECONDS
        try:
            super().ping(reconnect)
        finally:
            self._read_timeout = None
