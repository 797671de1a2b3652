"""A task of a run that leaves the process fails, and the loop goes on."""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any

import pytest

from app.common.context import bound
from app.common.errors import AppError
from app.common.supervision import failure_of
from app.jobs.exits import exits_contained


async def leave() -> None:
    await asyncio.sleep(0)
    sys.exit(3)


async def interrupt() -> None:
    raise KeyboardInterrupt


async def leave_on_cancel() -> None:
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        sys.exit("cancelled")


async def give(value: int) -> int:
    await asyncio.sleep(0)
    return value


@pytest.mark.parametrize(("work", "message"), [(leave, "SystemExit: 3"), (interrupt, "KeyboardInterrupt: ")])
async def test_who_awaits_the_task_sees_a_failure(work: Any, message: str) -> None:
    expected = pytest.raises(AppError, match=f"a task of the job raised {message}")
    with exits_contained(asyncio.get_running_loop()), bound("a-run", run=object()), expected:
        await asyncio.create_task(work())


async def test_a_task_group_fails_as_with_any_exception() -> None:
    with exits_contained(asyncio.get_running_loop()), bound("a-run", run=object()):
        error = await failure_of(group_that_is_left())
    assert isinstance(error, ExceptionGroup)
    assert [type(one) for one in error.exceptions] == [AppError]


async def group_that_is_left() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(leave())
        group.create_task(asyncio.sleep(60))


async def test_a_task_that_leaves_when_it_is_cancelled_is_contained_too() -> None:
    with exits_contained(asyncio.get_running_loop()), bound("a-run", run=object()):
        task = asyncio.create_task(leave_on_cancel())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(AppError, match="SystemExit: cancelled"):
            await task


async def test_results_exceptions_names_and_contexts_are_as_ever() -> None:
    with exits_contained(asyncio.get_running_loop()), bound("a-run", run=object()):
        task = asyncio.create_task(give(3), name="mine")
        assert (await task, task.get_name()) == (3, "mine")
        with pytest.raises(ZeroDivisionError):
            await asyncio.create_task(divide())


async def divide() -> float:
    return 1 / 0


async def test_a_task_that_is_cancelled_before_its_first_step_leaves_no_warning() -> None:
    with exits_contained(asyncio.get_running_loop()), bound("a-run", run=object()):
        task = asyncio.create_task(give(3))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_outside_of_runs_tasks_are_what_they_were_and_the_factory_is_put_back() -> None:
    loop = asyncio.get_running_loop()
    seen: list[Any] = []

    def factory(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **options: Any) -> Any:
        seen.append(work)
        return asyncio.Task(work, loop=loop, **options)

    loop.set_task_factory(factory)
    with exits_contained(loop):
        work = give(3)
        assert await asyncio.create_task(work) == 3
    assert seen == [work]
    assert loop.get_task_factory() is factory
    loop.set_task_factory(None)
