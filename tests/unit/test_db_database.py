import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.common.errors import ConflictError, FeatureDisabled, Unavailable
from app.config.db.database import Database
from app.config.settings import DatabaseSettings
from support.database import LiveDatabase, Values, list_titles, notes, open_database


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[LiveDatabase]:
    async with open_database(tmp_path) as live:
        yield live


async def test_a_transaction_commits_at_its_end(live: LiveDatabase) -> None:
    async with live.db.transaction() as session:
        await session.execute(notes.insert().values(title="kept"))

    assert await live.titles() == ["kept"]


async def test_a_transaction_rolls_back_on_any_error(live: LiveDatabase) -> None:
    async def write_and_fail() -> None:
        async with live.db.transaction() as session:
            await session.execute(notes.insert().values(title="lost"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await write_and_fail()

    assert await live.titles() == []


async def test_a_cancelled_transaction_rolls_back(live: LiveDatabase) -> None:
    written = asyncio.Event()

    async def write_and_wait() -> None:
        async with live.db.transaction() as session:
            await session.execute(notes.insert().values(title="lost"))
            written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write_and_wait())
    await written.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert await live.titles() == []


async def test_a_plain_function_has_the_same_database_in_its_thread(live: LiveDatabase) -> None:
    def write() -> None:
        with live.db.sync_transaction() as session:
            session.execute(notes.insert().values(title="from a thread"))

    await asyncio.to_thread(write)

    assert await live.titles() == ["from a thread"]


async def test_a_sync_transaction_rolls_back_on_any_error(live: LiveDatabase) -> None:
    def write_and_fail() -> None:
        with live.db.sync_transaction() as session:
            session.execute(notes.insert().values(title="lost"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await asyncio.to_thread(write_and_fail)

    assert await live.titles() == []


async def test_rows_stay_readable_after_the_commit(live: LiveDatabase) -> None:
    async with live.db.transaction() as session:
        await session.execute(notes.insert().values(title="kept"))
        titles = await list_titles(session)

    assert titles == ["kept"]


async def test_a_missing_database_is_unavailable_at_once() -> None:
    with pytest.raises(Unavailable, match="database is not available"):
        async with Database(Values()).transaction():
            pass


async def test_a_disabled_database_says_so(tmp_path: Path) -> None:
    async with open_database(tmp_path, DatabaseSettings(enabled=False)) as live:
        with pytest.raises(FeatureDisabled, match=r"database\.enabled"):
            async with live.db.transaction():
                pass
        with pytest.raises(FeatureDisabled), live.db.sync_transaction():
            pass


async def test_a_broken_constraint_is_a_conflict_that_tells_no_values(live: LiveDatabase) -> None:
    with pytest.raises(ConflictError) as caught:
        async with live.db.transaction() as session:
            await session.execute(notes.insert(), [{"title": "secret-value"}, {"title": "secret-value"}])

    assert "secret-value" not in f"{caught.value} {caught.value.details} {caught.value.__cause__}"
    assert caught.value.__cause__ is not None


async def test_a_defect_in_a_statement_stays_what_it_is(live: LiveDatabase) -> None:
    with pytest.raises(OperationalError):
        async with live.db.transaction() as session:
            await session.execute(text("SELECT * FROM nowhere"))


async def test_waiting_for_a_connection_ends_as_unavailable(tmp_path: Path) -> None:
    settings = DatabaseSettings(pool_size=1, max_overflow=0, pool_timeout_seconds=0.05)
    async with open_database(tmp_path, settings) as live, live.db.transaction() as holder:
        await list_titles(holder)

        with pytest.raises(Unavailable, match="no connection was free in time"):
            await live.titles()
