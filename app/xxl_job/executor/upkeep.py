"""What the control plane does from time to time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from app.common.logger import log
from app.common.supervision import failure_of
from app.config.settings import XxlJobSettings
from app.jobs.ledger.base import RunLedger
from app.xxl_job.executor.arrival import TICK_SECONDS
from app.xxl_job.executor.engine import Engine
from app.xxl_job.executor.port import Port
from app.xxl_job.executor.run_ledger import follow_limits, forgotten_before

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
            follow_limits(self.ledger, self.limits())

    async def expire(self) -> None:
        """Until cancelled."""
        while True:
            work = asyncio.to_thread(self.ledger.expire, forgotten_before(self.limits()))
            if error := await failure_of(work):
                log.bind(reason=str(error)).warning("old runs not forgotten")
            await asyncio.sleep(EXPIRY_SECONDS)
