"""The database as a resource, on SQLite and on addresses where nothing answers."""

import asyncio
import traceback
from collections.abc import Iterator
from pathlib import Path
from socket import create_server

import pytest

from app.config.db.db_mysql import DatabaseResource
from app.config.db.engines import DisabledDatabase, Engines
from app.config.resource import Refused
from app.config.settings import DatabaseSettings
from support.database import list_titles, metadata, notes, open_database


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Accepts connections and says nothing."""
    with create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


async def test_a_pool_grows_live_while_a_transaction_finishes_on_the_old_one(tmp_path: Path) -> None:
    async with open_database(tmp_path, DatabaseSettings(pool_size=1, max_overflow=0)) as live:
        async with live.db.transaction() as session:
            old = await live.change(DatabaseSettings(pool_size=3))
            settled = asyncio.create_task(live.resource.settle(old))
            await session.execute(notes.insert().values(title="from before"))
        await settled

        assert await live.titles() == ["from before"]
        assert (await live.resource.check()).details["limit"] == 13


async def test_a_transaction_that_has_not_borrowed_yet_keeps_the_old_pool_open(tmp_path: Path) -> None:
    async with open_database(tmp_path) as live:
        async with live.db.transaction() as session:
            old = await live.change(DatabaseSettings(pool_size=3))
            settled = asyncio.create_task(live.resource.settle(old))
            await asyncio.sleep(0)
            assert not settled.done()
            assert await list_titles(session) == []
        await settled


async def test_a_transaction_longer_than_the_drain_still_finishes(tmp_path: Path) -> None:
    async with open_database(tmp_path, DatabaseSettings(drain_seconds=0)) as live:
        async with live.db.transaction() as session:
            await live.resource.settle(await live.change(DatabaseSettings(pool_size=3)))
            await session.execute(notes.insert().values(title="late"))

        assert await live.titles() == ["late"]


@pytest.mark.parametrize("change", [{"echo": True}, {"drain_seconds": 1}, {"create_tables": False}])
async def test_a_change_that_no_pool_knows_of_keeps_the_pools(tmp_path: Path, change: dict[str, object]) -> None:
    async with open_database(tmp_path) as live:
        old = await live.change(DatabaseSettings.model_validate(change))
        await live.resource.settle(old)

        current = live.values.value("database")
        assert isinstance(old, Engines)
        assert current.shares_pools_with(old)
        assert current.settings != old.settings
        assert await live.titles() == []


async def test_discarding_what_shares_the_current_pools_leaves_them_open(tmp_path: Path) -> None:
    async with open_database(tmp_path) as live, live.db.transaction() as session:
        prepared = await live.resource.prepare(DatabaseSettings(echo=True), live.settings)
        await live.resource.discard(prepared)
        await list_titles(session)

        assert live.values.value("database").pool_numbers()["in_use"] == 1


async def test_switched_off_it_connects_to_nothing_and_is_healthy(tmp_path: Path) -> None:
    resource = DatabaseResource(tmp_path / "absent")
    value = await resource.prepare(DatabaseSettings(enabled=False, host="192.0.2.1"), None)
    resource.commit(value)

    assert isinstance(value, DisabledDatabase)
    assert (await resource.check()).up
    assert not (tmp_path / "absent").exists()


async def test_it_is_switched_on_again_live(tmp_path: Path) -> None:
    async with open_database(tmp_path, DatabaseSettings(enabled=False)) as live:
        await live.resource.settle(await live.change(DatabaseSettings()))

        assert await live.titles() == []


async def test_a_server_that_refuses_connections_refuses_the_settings_for_now(tmp_path: Path, free_port: int) -> None:
    settings = DatabaseSettings.model_validate({"host": "127.0.0.1", "port": free_port, "password": "pass-phrase"})

    with pytest.raises(Refused) as caught:
        await DatabaseResource(tmp_path).prepare(settings, None)

    assert caught.value.transient
    assert caught.value.message == f"127.0.0.1:{free_port}: can't connect (error 2003)"
    assert "pass-phrase" not in "".join(traceback.format_exception(caught.value))


async def test_a_server_that_never_speaks_refuses_the_settings_in_time(tmp_path: Path, silent_port: int) -> None:
    settings = DatabaseSettings(host="127.0.0.1", port=silent_port, connect_timeout_seconds=0.1)
    async with asyncio.timeout(2):
        with pytest.raises(Refused) as caught:
            await DatabaseResource(tmp_path).prepare(settings, None)

    assert caught.value.transient


async def test_the_folder_of_the_file_is_made(tmp_path: Path) -> None:
    async with open_database(tmp_path / "not" / "yet") as live:
        assert await live.titles() == []


async def test_a_folder_that_cannot_be_made_refuses_the_settings(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(Refused, match="Not a directory"):
        await DatabaseResource(tmp_path / "file" / "below").prepare(DatabaseSettings(), None)


async def test_a_file_that_cannot_be_opened_refuses_the_settings(tmp_path: Path) -> None:
    (tmp_path / "app.db").mkdir()

    with pytest.raises(Refused, match=r"app\.db: the file can't be opened"):
        await DatabaseResource(tmp_path).prepare(DatabaseSettings(), None)


@pytest.mark.parametrize(
    ("by_default", "wanted", "created"),
    [(True, None, True), (False, None, False), (False, True, True), (True, False, False)],
)
async def test_missing_tables_are_created_by_default_or_on_request(
    tmp_path: Path, by_default: bool, wanted: bool | None, created: bool
) -> None:
    resource = DatabaseResource(tmp_path, lambda: [metadata], create_tables=by_default)
    engines = await resource.prepare(DatabaseSettings(create_tables=wanted), None)
    assert isinstance(engines, Engines)
    async with engines.engine.connect() as connection:
        found = await connection.run_sync(lambda sync: sync.dialect.has_table(sync, "notes"))
    await resource.discard(engines)

    assert found is created


async def test_health_shows_the_pools_numbers(tmp_path: Path) -> None:
    async with open_database(tmp_path) as live, live.db.transaction() as session:
        await list_titles(session)
        health = await live.resource.check()

    assert health.up
    assert health.details == {
        "limit": 15, "transactions": 1, "in_use": 1, "idle": 1, "sync_in_use": 0, "sync_idle": 0,
    }  # fmt: skip


async def test_health_is_down_before_anything_connected(tmp_path: Path) -> None:
    assert not (await DatabaseResource(tmp_path).check()).up


async def test_health_says_why_no_connection_was_had(tmp_path: Path) -> None:
    settings = DatabaseSettings(pool_size=1, max_overflow=0, pool_timeout_seconds=0.05)
    async with open_database(tmp_path, settings) as live, live.db.transaction() as session:
        await list_titles(session)
        health = await live.resource.check()

    assert not health.up
    assert health.reason == "app.db: no connection was free in time"


async def test_a_preparation_can_be_cancelled(tmp_path: Path, silent_port: int) -> None:
    resource = DatabaseResource(tmp_path)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await resource.prepare(DatabaseSettings(host="127.0.0.1", port=silent_port), None)
