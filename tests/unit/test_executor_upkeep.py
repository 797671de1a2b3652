"""What is done from time to time, by the settings of that moment."""

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import Any, cast

from app.jobs.ledger.memory import MemoryRunLedger
from app.xxl_job.executor.port import Port
from app.xxl_job.executor.upkeep import Upkeep
from support.engine_desk import EngineDesk


class ExpiringLedger(MemoryRunLedger):
    def __init__(self) -> None:
        super().__init__()
        self.befores: list[datetime] = []

    def expire(self, before: datetime) -> int:
        self.befores.append(before)
        return 0


async def test_the_engine_hears_every_tick_and_the_ledger_forgets_by_the_settings() -> None:
    desk, ledger = EngineDesk(ledger_retention_days=7), ExpiringLedger()
    answers = desk.send(desk.trigger())
    desk.clock.now += 3
    upkeep = Upkeep(desk.engine, ledger, Port(), lambda: desk.configuration.limits)
    tasks = [asyncio.create_task(cast("Any", work())) for work in (upkeep.tick, upkeep.expire)]
    async with asyncio.timeout(5):
        while not (answers and ledger.befores):
            await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    assert [answer.code for answer in answers] == [500]
    assert (datetime.now(UTC) - ledger.befores[0]).days == 7
