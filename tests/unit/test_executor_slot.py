"""The place of a job: what it refuses, and its one timer."""

import asyncio
from typing import Any

import pytest

from app.config.settings import XxlJobSettings
from app.xxl_job.executor.protocol import BlockStrategy
from app.xxl_job.executor.slot import Slot
from support.jobs_support import build_run

SERIAL, DISCARD, COVER = BlockStrategy.SERIAL, BlockStrategy.DISCARD_LATER, BlockStrategy.COVER_EARLY
DISCARDED = "block strategy effect：Discard Later"
FULL = "the queue of this job is full: 1 runs are waiting"
BLOCKED = "previous run still executing; use isolation=process"


def slot(running: int = 0, queued: int = 0, abandoned: int = 0) -> Slot:
    made = Slot(running=build_run() if running else None, abandoned={build_run() for _ in range(abandoned)})
    made.queue.extend(build_run() for _ in range(queued))
    return made


async def test_a_new_timer_replaces_the_old_one() -> None:
    rung: list[str] = []
    loop, one = asyncio.get_running_loop(), slot()
    one.set_timer(loop.call_later(0, rung.append, "timeout"))
    one.set_timer(loop.call_later(0, rung.append, "abandon"))
    await asyncio.sleep(0.01)
    assert rung == ["abandon"]


@pytest.mark.parametrize(
    ("present", "storing", "strategy", "refusal"),
    [
        ({}, 0, SERIAL, None),
        ({}, 0, DISCARD, None),
        ({}, 1, DISCARD, DISCARDED),
        ({"running": 1}, 0, SERIAL, None),
        ({"running": 1}, 0, DISCARD, DISCARDED),
        ({"running": 1}, 0, COVER, None),
        ({"running": 1, "queued": 1}, 0, SERIAL, FULL),
        ({"running": 1}, 1, SERIAL, FULL),
        ({}, 2, SERIAL, FULL),
        ({"running": 1, "queued": 1}, 5, COVER, None),
        ({"abandoned": 1}, 0, SERIAL, BLOCKED),
        ({"abandoned": 1}, 0, COVER, BLOCKED),
    ],
)
def test_what_a_job_refuses(
    present: dict[str, int], storing: int, strategy: BlockStrategy, refusal: str | None
) -> None:
    assert slot(**present).find_refusal(strategy, XxlJobSettings(queue_size=1), storing=storing) == refusal


def test_an_abandoned_run_blocks_its_job_unless_overlap_is_allowed() -> None:
    limits: dict[str, Any] = {"overlap_after_abandon": True}
    assert slot(abandoned=1).is_busy(XxlJobSettings())
    assert not slot(abandoned=1).is_busy(XxlJobSettings(**limits))
    assert slot(abandoned=1).find_refusal(SERIAL, XxlJobSettings(**limits), storing=0) is None


def test_a_slot_is_empty_when_not_even_an_abandoned_run_is_left() -> None:
    assert [slot().is_empty, slot(abandoned=1).is_empty, slot(running=1).is_empty] == [True, False, False]
