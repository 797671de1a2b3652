"""The end of an executor: what runs may finish, what is left gets its outcome, and every outcome its way out."""

import asyncio
from collections.abc import Callable
from typing import Final

from app.xxl_job.executor import protocol
from app.xxl_job.executor.engine import Engine

LOOK_SECONDS: Final = 0.02
STOP_SECONDS: Final = 1.0


async def drain(engine: Engine, seconds: float, hurry: asyncio.Event) -> None:
    """Takes no more runs, waits for those there are, and stops what is left after `seconds` or on `hurry`."""
    engine.is_closing = True
    await until(lambda: hurry.is_set() or not engine.has_work, seconds)
    engine.stop_all(protocol.SHUTDOWN)
    await until(lambda: not engine.has_work, STOP_SECONDS)
    await until(lambda: not engine.has_unstored, STOP_SECONDS)


async def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Looks until the condition holds, at most `seconds`; returns whether it does."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not condition():
        if loop.time() >= end:
            return False
        await asyncio.sleep(LOOK_SECONDS)
    return True
