"""Against a server that accepts and says nothing; what a real one does is on the floor above."""

import asyncio
from collections.abc import Iterator
from socket import create_server

import pymysql
import pytest

from app.config.db.mysql_drivers import BoundedConnection, connect_bounded


@pytest.fixture
def silent_port() -> Iterator[int]:
    with create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


async def test_the_async_handshake_ends_in_time(silent_port: int) -> None:
    async with asyncio.timeout(2):
        with pytest.raises(pymysql.OperationalError) as caught:
            await connect_bounded(host="127.0.0.1", port=silent_port, connect_timeout=0.1)

    assert caught.value.args[0] == 2003


def test_the_sync_handshake_ends_in_time(silent_port: int) -> None:
    with pytest.raises(pymysql.OperationalError) as caught:
        BoundedConnection(host="127.0.0.1", port=silent_port, connect_timeout=0.1)

    assert caught.value.args[0] in {2003, 2013}
