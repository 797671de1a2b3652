"""A job that is tried again inside its run, seen from the console."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from app.jobs import JobContext
from app.jobs.options import JobOptions, Retry
from support.executor import open_executor, registry_of, until

QUICK = JobOptions(retry=Retry(attempts=3, first_seconds=0))
SLOW = JobOptions(retry=Retry(attempts=3, first_seconds=60))


def recovers(ctx: JobContext) -> str:
    if ctx.attempt < 3:
        raise ConnectionError(f"attempt {ctx.attempt}")
    ctx.log.info("worked")
    return f"attempt {ctx.attempt}"


async def recovers_async(ctx: JobContext) -> str:
    return recovers(ctx)


@pytest.mark.parametrize("job", [recovers, recovers_async])
async def test_the_console_sees_the_last_attempt_and_the_log_each(tmp_path: Path, job: Any) -> None:
    async with open_executor(tmp_path, registry_of(job, options=QUICK)) as desk:
        log_id = await desk.run(job.__name__)
        callback = await desk.callback_of(log_id)
        content = (await desk.log_page(log_id))["logContent"]
        alerts = list(desk.alerts.raised)

    assert (callback["handleCode"], callback["handleMsg"]) == (200, "attempt 3")
    assert content.count("attempt failed, the job is tried again") == 2
    assert 'attempt=1 attempts=3 pause_seconds=0.0 reason="ConnectionError: attempt 1"' in content
    assert alerts == []


async def test_the_alert_comes_once_after_the_last_attempt(tmp_path: Path) -> None:
    began: list[int] = []

    async def fails(ctx: JobContext) -> None:
        began.append(len(desk.alerts.raised))
        raise TimeoutError(f"attempt {ctx.attempt}")

    async with open_executor(tmp_path, registry_of(fails, options=QUICK)) as desk:
        assert await desk.outcome_of("fails") == (500, "TimeoutError: attempt 3")
        assert (began, len(desk.alerts.raised)) == ([0, 0, 0], 1)


def fails_at_once() -> None:
    raise ConnectionError


async def fails_at_once_async() -> None:
    raise ConnectionError


@pytest.mark.parametrize("job", [fails_at_once, fails_at_once_async])
async def test_a_timeout_and_a_kill_end_the_pause(tmp_path: Path, job: Any) -> None:
    async with open_executor(tmp_path, registry_of(job, options=SLOW)) as desk:
        began = time.monotonic()
        assert (await desk.outcome_of(job.__name__, executorTimeout=1))[0] == 502
        log_id = await desk.run(job.__name__)
        await asyncio.to_thread(wait_for_log, desk.runtime.environment.xxl_log_path, log_id)
        await desk.post("/kill", {"jobId": 4})
        assert (await desk.callback_of(log_id))["handleCode"] == 500
        await until(lambda: not desk_is_busy(job))
        assert time.monotonic() - began < 20


def desk_is_busy(job: Any) -> bool:
    import threading

    names = [thread.name for thread in threading.enumerate()] + [task.get_name() for task in asyncio.all_tasks()]
    return any(name.startswith(f"job-{job.__name__}-") for name in names)


def wait_for_log(folder: Path, log_id: int) -> None:
    end = time.monotonic() + 10
    while not any("attempt failed" in path.read_text() for path in folder.rglob(f"{log_id}.log")):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


class Report(BaseModel):
    table: str


async def test_a_bad_parameter_is_not_tried_again(tmp_path: Path) -> None:
    async def report(ctx: JobContext) -> None:
        raise AssertionError("must not run")

    async with open_executor(tmp_path, registry_of(report, args=Report, options=QUICK)) as desk:
        log_id = await desk.run("report")
        callback = await desk.callback_of(log_id)
        content = (await desk.log_page(log_id))["logContent"]

    assert "bad parameter" in callback["handleMsg"]
    assert "tried again" not in content
