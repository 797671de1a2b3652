"""A slot has one timer at a time."""

import asyncio
from typing import cast

from app.jobs.run import Run
from app.xxl_job.executor.slot import Slot


async def test_a_new_timer_replaces_the_old_one() -> None:
    rung: list[str] = []
    loop, slot = asyncio.get_running_loop(), Slot(cast("Run", object()))
    slot.set_timer(loop.call_later(0, rung.append, "timeout"))
    slot.set_timer(loop.call_later(0, rung.append, "abandon"))
    await asyncio.sleep(0.01)
    assert rung == ["abandon"]
