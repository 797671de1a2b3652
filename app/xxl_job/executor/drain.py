"""The end of an executor: what runs may finish, what is left gets its outcome, and every outcome its way out."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from app.common.logger import log
from app.xxl_job.executor import protocol
from app.xxl_job.executor.engine import Engine
from app.xxl_job.executor.outbox import CallbackOutbox
from app.xxl_job.executor.registrar import Registrar

LOOK_SECONDS: Final = 0.02
STOP_SECONDS: Final = 1.0
"""How long stopped bodies are watched; their outcomes are fixed before."""
LONGEST_FLUSH_SECONDS: Final = 5.0
LEAST_FLUSH_SECONDS: Final = 1.0


@dataclass(frozen=True)
class Drain:
    """Takes no more runs, waits, stops, flushes; the endpoints go on answering meanwhile."""

    engine: Engine
    registrar: Registrar
    outbox: CallbackOutbox
    hurry: asyncio.Event
    """Once set, runs are waited for no longer, and callbacks hardly."""

    async def run(self, seconds: float) -> int:
        """All of it within `seconds`, but always long enough to ask the console once. Returns the callbacks left."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        self.engine.is_closing = True
        async with asyncio.TaskGroup() as group:
            farewell = group.create_task(self.registrar.deregister())
            flush_seconds = min(LONGEST_FLUSH_SECONDS, seconds / 4)
            await until(lambda: self.hurry.is_set() or not self.engine.has_work, seconds - flush_seconds)
            self.engine.stop_all(protocol.SHUTDOWN)
            await until(lambda: not self.engine.has_work and not self.engine.has_unstored, STOP_SECONDS)
            left = await self._flush(max(LEAST_FLUSH_SECONDS, end - loop.time()))
            await until(farewell.done, LEAST_FLUSH_SECONDS if self.hurry.is_set() else max(0.0, end - loop.time()))
            farewell.cancel()
        if left:
            log.bind(callbacks=left).warning("callbacks not taken by the console in time: they wait in the ledger")
        return left

    async def _flush(self, seconds: float) -> int:
        """In slices, so that a hurry is heard."""
        loop = asyncio.get_running_loop()
        end, left = loop.time() + seconds, 0
        while (rest := end - loop.time()) > 0:
            left = await self.outbox.flush(min(rest, LEAST_FLUSH_SECONDS))
            if not left or self.hurry.is_set():
                break
        return left


async def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Looks until the condition holds, at most `seconds`; returns whether it does."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not condition():
        if loop.time() >= end:
            return False
        await asyncio.sleep(LOOK_SECONDS)
    return True
