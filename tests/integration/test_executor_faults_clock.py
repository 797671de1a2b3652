"""Clocks that jump and triggers from other times: the machine's own clock is left alone."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import pytest

from app.jobs import JobContext
from app.jobs import run as run_module
from app.xxl_job.executor import admission
from support.executor import open_executor, registry_of, until

YEAR_2286 = 9_999_999_999_999
HOUR_MS = 3_600_000
JumpTo = Callable[[timedelta], None]


class JumpingClock(datetime):
    """The wall clock of acceptance, start and end of runs."""

    jump = timedelta()

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + cls.jump


@pytest.fixture
def jump_to(monkeypatch: pytest.MonkeyPatch) -> JumpTo:
    """Puts the wall clock off by so much from now on."""
    for module in (run_module, admission):
        monkeypatch.setattr(module, "datetime", JumpingClock)
    monkeypatch.setattr(JumpingClock, "jump", timedelta())
    return lambda jump: monkeypatch.setattr(JumpingClock, "jump", jump)


async def nap(ctx: JobContext) -> str:
    ctx.log.info("napping")
    await asyncio.sleep(float(ctx.param or 0))
    return "rested"


@pytest.mark.parametrize("hours", [-1, 24 * 365])
async def test_a_timeout_counts_real_time_whatever_the_wall_clock_does(
    tmp_path: Path, jump_to: JumpTo, hours: int
) -> None:
    async with open_executor(tmp_path, registry_of(nap)) as desk:
        started = time.monotonic()
        late = await desk.run("nap", jobId=1, executorParams="60", executorTimeout=1)
        in_time = await desk.run("nap", jobId=2, executorParams="0.3", executorTimeout=1)
        await until(lambda: len(list((tmp_path / "xxl_log").glob("*/*.log"))) == 2)
        jump_to(timedelta(hours=hours))
        codes = [(await desk.callback_of(log_id))["handleCode"] for log_id in (in_time, late)]
        took = time.monotonic() - started

    assert codes == [200, 502]
    assert 1 <= took < 3


@pytest.mark.parametrize("hours", [-1, 1])
async def test_runs_over_a_jump_are_told_once_in_the_ledgers_order_and_never_took_less_than_no_time(
    tmp_path: Path, jump_to: JumpTo, hours: int
) -> None:
    async with open_executor(tmp_path, registry_of(nap)) as desk:
        before = await desk.run("nap", jobId=1)
        over = await desk.run("nap", jobId=2, executorParams="0.3")
        await desk.callback_of(before)
        jump_to(timedelta(hours=hours))
        after = await desk.run("nap", jobId=3)
        for log_id in (over, after):
            await desk.callback_of(log_id)
        headers = {"XXL-JOB-ACCESS-TOKEN": desk.console.token}
        kept = (await desk.http.get("/runs", headers=headers)).json()["data"]

    assert [run["log_id"] for run in kept] == [after, over, before]
    assert sorted(item["logId"] for item in desk.console.callbacks) == sorted([before, over, after])
    assert all(run["took_seconds"] >= 0 for run in kept)


@pytest.mark.parametrize("log_date_time", [0, 1, -1 + 86_400_000, YEAR_2286], ids=["1970", "1 ms", "a day", "2286"])
async def test_triggers_of_any_time_run_once_and_have_their_log(tmp_path: Path, log_date_time: int) -> None:
    async with open_executor(tmp_path, registry_of(nap)) as desk:
        log_id = await desk.run("nap", logDateTime=log_date_time)
        callback = await desk.callback_of(log_id)
        query = {"logId": log_id, "logDateTim": log_date_time // 1000 * 1000, "fromLineNum": 1}
        page = (await desk.post("/log", query))["data"]
        await desk.run("nap", logId=log_id, logDateTime=log_date_time)
        again = await until(lambda: len(desk.console.callbacks) == 2)

    assert (callback["handleCode"], again) == (200, True)
    assert desk.console.callbacks[0] == desk.console.callbacks[1]
    assert page["logContent"].count("napping") == 1


async def test_a_console_whose_clock_was_set_back_triggers_new_runs(tmp_path: Path) -> None:
    now = time.time_ns() // 1_000_000
    async with open_executor(tmp_path, registry_of(nap)) as desk:
        for log_date_time in (now, now - HOUR_MS, now + HOUR_MS):
            await desk.run("nap", logId=7, logDateTime=log_date_time)
        await until(lambda: len(desk.console.callbacks) == 3)

    assert {item["logDateTim"] for item in desk.console.callbacks} == {now, now - HOUR_MS, now + HOUR_MS}
