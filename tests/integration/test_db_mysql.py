"""The database on a real server: what the unit floor can't show."""

import asyncio
import time
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, inspect, text

from app.common.context import bound
from app.common.errors import ConflictError, Unavailable
from app.common.logger import log
from app.config.db.db_mysql import DatabaseResource
from app.config.db.engines import Engines
from app.config.db.types import UtcDateTime
from app.config.resource import Refused
from app.config.settings import DatabaseSettings
from servers.mariadb import MariaDb
from servers.proxy import ProxyGroup, open_proxy
from support.database import LiveDatabase, metadata, notes, open_database


def settings_for(server: MariaDb, **changes: Any) -> DatabaseSettings:
    return DatabaseSettings.model_validate(server.section | changes)


@pytest.fixture
async def live(tmp_path: Path, mariadb_server: MariaDb) -> AsyncIterator[LiveDatabase]:
    async with open_database(tmp_path, settings_for(mariadb_server)) as live:
        yield live
    mariadb_server.execute("DROP TABLE notes")


@pytest.fixture
def proxy(mariadb_server: MariaDb) -> Iterator[ProxyGroup]:
    with open_proxy(mariadb_server.port) as proxy:
        yield proxy


@pytest.fixture
async def behind_proxy(tmp_path: Path, mariadb_server: MariaDb, proxy: ProxyGroup) -> AsyncIterator[LiveDatabase]:
    settings = settings_for(mariadb_server, port=proxy.port, connect_timeout_seconds=1)
    async with open_database(tmp_path, settings) as live:
        yield live
        proxy.restore()
    mariadb_server.execute("DROP TABLE notes")


async def insert(live: LiveDatabase, title: str) -> None:
    async with live.db.transaction() as session:
        await session.execute(notes.insert().values(title=title))


def insert_in_thread(live: LiveDatabase, title: str) -> None:
    with live.db.sync_transaction() as session:
        session.execute(notes.insert().values(title=title))


async def test_both_engines_commit_and_roll_back(live: LiveDatabase) -> None:
    async def insert_and_fail() -> None:
        async with live.db.transaction() as session:
            await session.execute(notes.insert().values(title="lost"))
            raise RuntimeError

    def insert_and_fail_in_thread() -> None:
        with live.db.sync_transaction() as session:
            session.execute(notes.insert().values(title="lost too"))
            raise RuntimeError

    await insert(live, "async")
    await asyncio.to_thread(insert_in_thread, live, "sync")
    with pytest.raises(RuntimeError):
        await insert_and_fail()
    with pytest.raises(RuntimeError):
        await asyncio.to_thread(insert_and_fail_in_thread)

    assert await live.titles() == ["async", "sync"]


async def test_both_drivers_log_their_statements_under_the_callers_trace(live: LiveDatabase) -> None:
    found: list[tuple[str, int]] = []
    sink = log.add(
        lambda message: found.append((message.record["extra"]["trace_id"], message.record["extra"]["rows"])),
        level="DEBUG",
        filter="app.config.db.sql_log",
    )
    with bound("trace-of-request"):
        await insert(live, "async")
    with bound("trace-of-run"):
        await asyncio.to_thread(insert_in_thread, live, "sync")
    log.remove(sink)

    assert found == [("trace-of-request", 1), ("trace-of-run", 1)]


async def test_a_duplicate_is_a_conflict_with_the_vendors_number(live: LiveDatabase) -> None:
    await insert(live, "once")

    with pytest.raises(ConflictError) as caught:
        await insert(live, "once")

    assert caught.value.details == {"error": 1062}


async def test_moments_and_every_alphabet_come_back_as_they_were(tmp_path: Path, mariadb_server: MariaDb) -> None:
    tables = MetaData()
    moments = Table(
        "moments",
        tables,
        Column("id", Integer, primary_key=True),
        Column("at", UtcDateTime),
        Column("word", String(20)),
    )
    moment = datetime(2031, 5, 1, 12, 30, 15, 123456, tzinfo=UTC)
    async with open_database(tmp_path, settings_for(mariadb_server), tables) as live:
        async with live.db.transaction() as session:
            await session.execute(moments.insert().values(at=moment, word="你好 👋"))
        async with live.db.transaction() as session:
            row = (await session.execute(moments.select())).one()
    mariadb_server.execute("DROP TABLE moments")

    assert (row.at, row.word) == (moment, "你好 👋")


async def test_processes_that_start_together_create_the_tables_once(tmp_path: Path, mariadb_server: MariaDb) -> None:
    resources = [DatabaseResource(tmp_path, lambda: [metadata], create_tables=True) for _ in range(4)]
    prepared = await asyncio.gather(*(resource.prepare(settings_for(mariadb_server), None) for resource in resources))
    for resource, value in zip(resources, prepared, strict=True):
        await resource.discard(value)

    assert mariadb_server.execute("SHOW TABLES LIKE 'notes'") == [("notes",)]
    mariadb_server.execute("DROP TABLE notes")


class Traffic:
    """Requests without a pause, a few at a time, until told to stop."""

    def __init__(self, live: LiveDatabase) -> None:
        self.live = live
        self.done = 0
        self._stop = False

    async def run(self, workers: int = 4) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._work())

    async def _work(self) -> None:
        while not self._stop:
            async with self.live.db.transaction() as session:
                await asyncio.sleep(0)
                await session.execute(text("SELECT SLEEP(0.005)"))
            self.done += 1

    async def pass_by(self, requests: int) -> None:
        until = self.done + requests
        async with asyncio.timeout(20):
            while self.done < until:
                await asyncio.sleep(0.001)

    def stop(self) -> None:
        self._stop = True


async def test_no_query_fails_while_pools_are_resized(live: LiveDatabase, mariadb_server: MariaDb) -> None:
    traffic = Traffic(live)
    running = asyncio.create_task(traffic.run())
    for size in (1, 9, 2, 7, 3):
        await traffic.pass_by(10)
        await live.resource.settle(await live.change(settings_for(mariadb_server, pool_size=size)))
    await traffic.pass_by(10)
    traffic.stop()
    await running

    assert (await live.resource.check()).details["limit"] == 13


async def test_no_query_fails_while_credentials_are_rotated(live: LiveDatabase, mariadb_server: MariaDb) -> None:
    for user in ("first", "second"):
        mariadb_server.execute(f"CREATE USER {user}@'%' IDENTIFIED BY '{user}-password'")
        mariadb_server.execute(f"GRANT ALL ON app.* TO {user}@'%'")
    await live.resource.settle(await live.change(settings_for(mariadb_server, user="first", password="first-password")))
    traffic = Traffic(live)
    running = asyncio.create_task(traffic.run())
    await traffic.pass_by(10)

    old = await live.change(settings_for(mariadb_server, user="second", password="second-password"))
    await live.resource.settle(old)
    mariadb_server.execute("DROP USER first@'%'")
    await traffic.pass_by(10)
    traffic.stop()
    await running

    async with live.db.transaction() as session:
        assert str(await session.scalar(text("SELECT CURRENT_USER()"))) == "second@%"
    assert mariadb_server.execute("SELECT 1 FROM information_schema.processlist WHERE user = 'first'") == []
    await live.resource.settle(await live.change(settings_for(mariadb_server)))
    mariadb_server.execute("DROP USER second@'%'")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"password": "wrong-password"}, "access denied (error 1045)"),
        ({"name": "no_such_schema"}, "unknown schema (error 1049)"),
    ],
)
async def test_a_server_that_says_no_refuses_the_settings_for_now(
    tmp_path: Path, mariadb_server: MariaDb, changes: dict[str, str], reason: str
) -> None:
    with pytest.raises(Refused) as caught:
        await DatabaseResource(tmp_path).prepare(settings_for(mariadb_server, **changes), None)

    assert caught.value.message == f"127.0.0.1:{mariadb_server.port}: {reason}"
    assert caught.value.transient
    told = "".join(traceback.format_exception(caught.value))
    assert "wrong-password" not in told
    assert mariadb_server.password not in told


async def test_a_refused_change_leaves_no_connection_behind(live: LiveDatabase, mariadb_server: MariaDb) -> None:
    with pytest.raises(Refused):
        await live.change(settings_for(mariadb_server, name="no_such_schema"))
    await insert(live, "still served")

    assert await live.titles() == ["still served"]


async def test_the_next_request_works_after_the_server_was_restarted(
    tmp_path: Path, mariadb_factory: Callable[[], MariaDb]
) -> None:
    server = mariadb_factory()
    async with open_database(tmp_path, settings_for(server)) as live:
        await insert(live, "before")
        await asyncio.to_thread(insert_in_thread, live, "before, too")
        await asyncio.to_thread(server.restart)

        assert await live.titles() == ["before", "before, too"]
        await asyncio.to_thread(insert_in_thread, live, "after")


async def test_a_server_that_is_down_is_unavailable_at_once_and_works_again_when_back(
    behind_proxy: LiveDatabase, proxy: ProxyGroup
) -> None:
    await insert(behind_proxy, "before")
    proxy.cut()

    started = time.monotonic()
    with pytest.raises(Unavailable, match="can't connect"):
        await behind_proxy.titles()
    with pytest.raises(Unavailable):
        await asyncio.to_thread(insert_in_thread, behind_proxy, "lost")
    assert time.monotonic() - started < 2
    assert not (await behind_proxy.resource.check()).up

    proxy.restore()
    assert await behind_proxy.titles() == ["before"]
    assert (await behind_proxy.resource.check()).up


async def test_a_server_that_swallows_everything_holds_a_request_no_longer_than_the_timeouts(
    behind_proxy: LiveDatabase, proxy: ProxyGroup
) -> None:
    await insert(behind_proxy, "before")
    await asyncio.to_thread(insert_in_thread, behind_proxy, "before, too")
    proxy.black_hole()

    for attempt in (behind_proxy.titles(), asyncio.to_thread(insert_in_thread, behind_proxy, "lost")):
        started = time.monotonic()
        with pytest.raises(Unavailable):
            await attempt
        assert time.monotonic() - started < 3

    started = time.monotonic()
    assert not (await behind_proxy.resource.check()).up
    assert time.monotonic() - started < 2

    proxy.restore()
    assert await behind_proxy.titles() == ["before", "before, too"]


async def test_a_connection_lost_within_a_transaction_is_unavailable(
    live: LiveDatabase, mariadb_server: MariaDb
) -> None:
    async def lose_connection() -> None:
        async with live.db.transaction() as session:
            await session.execute(notes.insert().values(title="lost"))
            connection_id = await session.scalar(text("SELECT CONNECTION_ID()"))
            mariadb_server.execute(f"KILL {connection_id}")
            await session.execute(notes.insert().values(title="lost too"))

    with pytest.raises(Unavailable):
        await lose_connection()

    assert await live.titles() == []


async def test_closing_leaves_no_connection_on_the_server(tmp_path: Path, mariadb_server: MariaDb) -> None:
    others = "SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND user = 'root'"
    async with open_database(tmp_path, settings_for(mariadb_server)) as live:
        await live.titles()
        await asyncio.to_thread(insert_in_thread, live, "x")
        assert len(mariadb_server.execute(others)) == 2

    async with asyncio.timeout(5):
        while mariadb_server.execute(others):
            await asyncio.sleep(0.01)
    mariadb_server.execute("DROP TABLE notes")
    assert mariadb_server.execute(others) == []


async def test_missing_tables_are_not_created_unless_wanted(tmp_path: Path, mariadb_server: MariaDb) -> None:
    resource = DatabaseResource(tmp_path, lambda: [metadata])
    engines = await resource.prepare(settings_for(mariadb_server), None)
    assert isinstance(engines, Engines)
    async with engines.engine.connect() as connection:
        found = await connection.run_sync(lambda sync: inspect(sync).has_table("notes"))
    await resource.discard(engines)

    assert not found
