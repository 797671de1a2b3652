"""A job that leaves the process, in whatever way it can, ends its own run."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.executor import open_executor, registry_of


async def exits() -> None:
    sys.exit(3)


async def interrupts() -> None:
    raise KeyboardInterrupt


def exits_in_its_thread() -> None:
    sys.exit("enough")


async def cancels_itself() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


async def awaits_one_that_exits() -> None:
    await asyncio.create_task(exits())


async def gathers_one_that_exits() -> None:
    await asyncio.gather(exits(), asyncio.sleep(0))


async def fine() -> str:
    return "fine"


@pytest.mark.parametrize(
    ("job", "message"),
    [
        (exits, "SystemExit: 3"),
        (interrupts, "KeyboardInterrupt"),
        (exits_in_its_thread, "SystemExit: enough"),
        (cancels_itself, "CancelledError"),
        (awaits_one_that_exits, "AppError: a task of the job raised SystemExit: 3"),
        (gathers_one_that_exits, "AppError: a task of the job raised SystemExit: 3"),
    ],
)
async def test_the_run_fails_and_the_executor_goes_on(tmp_path: Path, job: Callable[..., Any], message: str) -> None:
    async with open_executor(tmp_path, registry_of(job, fine)) as desk:
        assert await desk.outcome_of(job.__name__) == (500, message)
        assert await desk.outcome_of("fine") == (200, "fine")


async def test_a_task_that_nobody_awaits_ends_nothing(tmp_path: Path) -> None:
    tasks = []

    async def leaves_a_task_behind() -> str:
        tasks.append(asyncio.create_task(exits()))
        await asyncio.wait(tasks)
        return "done"

    async with open_executor(tmp_path, registry_of(leaves_a_task_behind, fine)) as desk:
        assert await desk.outcome_of("leaves_a_task_behind") == (200, "done")
        assert await desk.outcome_of("fine") == (200, "fine")
    assert str(tasks[0].exception()) == "a task of the job raised SystemExit: 3"
