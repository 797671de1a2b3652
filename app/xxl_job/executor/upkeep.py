"""What the control plane does from time to time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from app.common.logger import log
from app.common.supervision import failure_of
from app.config.settings import XxlJobSettings
from app.jobs.ledger.base import RunLedger
from app.xxl_job.executor.arrival import TICK_SECONDS
from app.xxl_job.executor.engine import Engine
from app.xxl_job.executor.port import Port

EXPIRY_SECONDS: Final = 3600.0
_TICKS_A_SWEEP: Final = 10


@dataclass(frozen=True)
class Upkeep:
    """Reads the settings anew each time."""

    engine: Engine
    ledger: RunLedger
    port: Port
    limits: Callable[[], XxlJobSettings]

    async def tick(self) -> None:
        """Until cancelled."""
        while True:
            for _ in range(_TICKS_A_SWEEP):
                self.port.clock.tick()
                self.engine.tick()
                await asyncio.sleep(TICK_SECONDS)
            self.port.sweep()

    async def expire(self) -> None:
        """Until cancelled."""
        while True:
            before = datetime.now(UTC) - timedelta(days=self.limits().ledger_retention_days)
            if error := await failure_of(asyncio.to_thread(self.ledger.expire, before)):
                log.bind(reason=str(error)).warning("old runs not forgotten")
            await asyncio.sleep(EXPIRY_SECONDS)
