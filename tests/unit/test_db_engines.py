import asyncio
import threading
from pathlib import Path

from app.config.db.engines import Engines, Leases
from app.config.settings import DatabaseSettings
from support.database import open_database


def test_an_engine_without_transactions_may_be_closed_at_once() -> None:
    assert Leases().close()


def test_the_last_transaction_of_a_closing_engine_closes_it() -> None:
    leases = Leases()
    leases.take()
    leases.take()

    assert not leases.close()
    assert not leases.give_back()
    assert leases.give_back()


def test_an_engine_in_use_is_not_closed_by_the_transactions_that_end() -> None:
    leases = Leases()
    leases.take()

    assert not leases.give_back()


async def test_draining_waits_for_plain_functions_too(tmp_path: Path) -> None:
    async with open_database(tmp_path) as live:
        inside, leave = threading.Event(), threading.Event()

        def work() -> None:
            with live.db.sync_transaction():
                inside.set()
                leave.wait(10)

        worker = asyncio.create_task(asyncio.to_thread(work))
        await asyncio.to_thread(inside.wait, 10)
        engines: Engines = live.values.value("database")
        drained = asyncio.create_task(engines.drain(10))
        await asyncio.sleep(0)
        assert not drained.done()
        leave.set()

        assert await drained == 0
        await worker


async def test_draining_tells_how_many_were_left(tmp_path: Path) -> None:
    async with open_database(tmp_path, DatabaseSettings()) as live, live.db.transaction():
        assert await live.values.value("database").drain(0) == 1


async def test_a_drain_that_is_cancelled_closes_what_it_can(tmp_path: Path) -> None:
    async with open_database(tmp_path) as live:
        engines: Engines = live.values.value("database")
        async with live.db.transaction():
            drain = asyncio.create_task(engines.drain(10))
            await asyncio.sleep(0)
            drain.cancel()
            await asyncio.gather(drain, return_exceptions=True)

        assert engines.leases.close()
