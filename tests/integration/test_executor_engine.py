"""Block strategies, kill, timeout, drain: every accepted run gets exactly one outcome."""

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.common.metrics import ABANDONED_RUNS
from app.jobs import JobContext
from support.executor import ExecutorDesk, open_executor, registry_of, settings_text, trigger, until

KILLED_RUNNING = "scheduling center kill job. [job running, killed]"
KILLED_QUEUED = "scheduling center kill job. [job not executed, in the job queue, killed.]"


async def nap(ctx: JobContext) -> str:
    await asyncio.sleep(float(ctx.param or 30))
    return "rested"


def polite(ctx: JobContext) -> str:
    while not ctx.should_stop():
        time.sleep(0.01)
    return "stopped as asked"


async def quick() -> str:
    return "done"


def stubborn_until(event: threading.Event) -> Callable[..., Any]:
    async def stubborn(ctx: JobContext) -> str:
        while not event.is_set():
            try:
                await asyncio.sleep(0.02)
            except asyncio.CancelledError:
                ctx.log.info("not now")
        return "late"

    return stubborn


async def test_serial_runs_of_one_job_wait_for_one_another(tmp_path: Path) -> None:
    busy, overlaps = [], []

    async def alone(ctx: JobContext) -> int:
        busy.append(ctx.log_id)
        await asyncio.sleep(0.02)
        overlaps.append(len(busy))
        busy.remove(ctx.log_id)
        return ctx.log_id

    async with open_executor(tmp_path, registry_of(alone)) as desk:
        log_ids = [await desk.run("alone") for _ in range(5)]
        for log_id in log_ids:
            await desk.callback_of(log_id)
        order = [item["logId"] for item in desk.console.callbacks]

    assert order == log_ids
    assert overlaps == [1, 1, 1, 1, 1]


async def test_different_jobs_run_side_by_side(tmp_path: Path) -> None:
    async with open_executor(tmp_path, registry_of(nap, quick)) as desk:
        await desk.run("nap", jobId=1)
        assert await desk.outcome_of("quick", jobId=2) == (200, "done")


async def test_a_full_queue_refuses_with_the_number_of_waiting_runs(tmp_path: Path) -> None:
    async with open_executor(tmp_path, registry_of(nap), extra="queue_size: 2") as desk:
        for _ in range(3):
            await desk.run("nap")
        answer = await desk.post("/run", trigger("nap"))

    assert answer == {"code": 500, "msg": "the queue of this job is full: 2 runs are waiting"}


async def test_discard_later_refuses_while_the_job_is_busy(tmp_path: Path) -> None:
    async with open_executor(tmp_path, registry_of(nap)) as desk:
        await desk.run("nap")
        answer = await desk.post("/run", trigger("nap", executorBlockStrategy="DISCARD_LATER"))

    assert answer == {"code": 500, "msg": "block strategy effect：Discard Later"}


async def test_cover_early_stops_the_running_and_the_queued_and_runs_itself(tmp_path: Path) -> None:
    async with open_executor(tmp_path, registry_of(nap)) as desk:
        running = await desk.run("nap")
        queued = await desk.run("nap")
        covering = await desk.run("nap", executorParams="0", executorBlockStrategy="COVER_EARLY")
        callbacks = [await desk.callback_of(log_id) for log_id in (running, queued, covering)]

    assert [(item["handleCode"], item["handleMsg"]) for item in callbacks] == [
        (500, "block strategy effect：Cover Early [job running, killed]"),
        (500, "block strategy effect：Cover Early [job not executed, in the job queue, killed.]"),
        (200, "rested"),
    ]


@pytest.mark.parametrize("handler", ["nap", "polite"])
async def test_kill_calls_back_the_running_run_and_every_queued_one(tmp_path: Path, handler: str) -> None:
    async with open_executor(tmp_path, registry_of(nap, polite, quick)) as desk:
        log_ids = [await desk.run(handler) for _ in range(3)]
        assert await desk.post("/kill", {"jobId": 4}) == {"code": 200, "msg": None}
        messages = [(await desk.callback_of(log_id))["handleMsg"] for log_id in log_ids]

        assert messages == [KILLED_RUNNING, KILLED_QUEUED, KILLED_QUEUED]
        assert await desk.outcome_of("quick") == (200, "done")


async def test_kill_of_a_job_that_is_not_running_is_fine(tmp_path: Path) -> None:
    async with open_executor(tmp_path, registry_of(nap)) as desk:
        assert await desk.post("/kill", {"jobId": 4711}) == {"code": 200, "msg": None}


async def test_a_run_that_swallows_its_cancellation_never_blocks_kill_and_keeps_its_place(tmp_path: Path) -> None:
    release, abandoned = threading.Event(), ABANDONED_RUNS.value(handler="stubborn")
    async with open_executor(tmp_path, registry_of(stubborn_until(release)), abandon_seconds=0.1) as desk:
        running, queued = await desk.run("stubborn"), await desk.run("stubborn")
        started = time.monotonic()
        await desk.post("/kill", {"jobId": 4})
        assert time.monotonic() - started < 1
        assert (await desk.callback_of(running))["handleMsg"] == KILLED_RUNNING
        assert (await desk.callback_of(queued))["handleMsg"] == KILLED_QUEUED
        await until(lambda: ABANDONED_RUNS.value(handler="stubborn") > abandoned)
        assert (await desk.post("/idleBeat", {"jobId": 4}))["code"] == 500
        refused = await desk.post("/run", trigger("stubborn"))
        release.set()
        await until_idle(desk)

    assert refused["code"] == 500
    assert refused["msg"].startswith("previous run still executing")


async def until_idle(desk: Any) -> None:
    async with asyncio.timeout(5):
        while (await desk.post("/idleBeat", {"jobId": 4}))["code"] != 200:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("handler", ["nap", "polite"])
async def test_a_timeout_reports_502(tmp_path: Path, handler: str) -> None:
    async with open_executor(tmp_path, registry_of(nap, polite)) as desk:
        assert await desk.outcome_of(handler, executorTimeout=1) == (502, "job execute timeout")


async def test_a_timeout_counts_from_the_real_start(tmp_path: Path) -> None:
    async with open_executor(tmp_path, registry_of(nap)) as desk:
        log_ids = [await desk.run("nap", executorParams="0.7", executorTimeout=1) for _ in range(3)]
        codes = [(await desk.callback_of(log_id))["handleCode"] for log_id in log_ids]

    assert codes == [200, 200, 200]


async def test_a_handlers_own_timeout_error_is_a_failure(tmp_path: Path) -> None:
    async def give_up() -> None:
        raise TimeoutError("the partner is slow")

    async with open_executor(tmp_path, registry_of(give_up)) as desk:
        assert await desk.outcome_of("give_up", executorTimeout=30) == (500, "TimeoutError: the partner is slow")


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError(), GeneratorExit()])
async def test_what_would_end_a_process_ends_the_run_only(tmp_path: Path, error: BaseException) -> None:
    async def leave() -> None:
        raise error

    async with open_executor(tmp_path, registry_of(leave, quick)) as desk:
        code, message = await desk.outcome_of("leave")
        assert (code, message.partition(":")[0]) == (500, type(error).__name__)
        assert await desk.outcome_of("quick") == (200, "done")


async def test_shards_reach_the_context(tmp_path: Path) -> None:
    async def shard(ctx: JobContext) -> str:
        return f"{ctx.shard_index} of {ctx.shard_total}"

    async with open_executor(tmp_path, registry_of(shard)) as desk:
        assert await desk.outcome_of("shard", broadcastIndex=2, broadcastTotal=3) == (200, "2 of 3")
        assert await desk.outcome_of("shard", broadcastIndex=0, broadcastTotal=0) == (200, "0 of 1")


async def test_the_same_run_delivered_twice_runs_once(tmp_path: Path) -> None:
    starts = []

    async def count(ctx: JobContext) -> None:
        starts.append(ctx.log_id)
        await asyncio.sleep(0.05)

    async with open_executor(tmp_path, registry_of(count)) as desk:
        body = trigger("count")
        answers = [await desk.post("/run", body), await desk.post("/run", body)]
        await desk.callback_of(body["logId"])
        answers.append(await desk.post("/run", body))

    assert [answer["code"] for answer in answers] == [200, 200, 200]
    assert starts == [body["logId"]]
    assert all(callback == desk.console.callbacks[0] for callback in desk.console.callbacks)


async def test_the_same_log_id_with_another_time_is_another_run(tmp_path: Path) -> None:
    async with open_executor(tmp_path, registry_of(quick)) as desk:
        log_id = await desk.run("quick")
        await desk.callback_of(log_id)
        await desk.run("quick", logId=log_id, logDateTime=1_795_360_000_000)
        await until(lambda: len(desk.console.callbacks) == 2)


async def state_of(desk: ExecutorDesk, log_id: int) -> str:
    answer = await desk.http.get(f"/runs?log_id={log_id}", headers={"XXL-JOB-ACCESS-TOKEN": desk.console.token})
    return str(answer.json()["data"][0]["state"])


async def test_a_failed_run_delivered_again_is_told_again_and_not_run_again(tmp_path: Path) -> None:
    starts = []

    async def fail_once(ctx: JobContext) -> str:
        starts.append(ctx.log_id)
        raise ValueError("not yet")

    async with open_executor(tmp_path, registry_of(fail_once)) as desk:
        body = trigger("fail_once")
        await desk.post("/run", body)
        await desk.callback_of(body["logId"])
        while await state_of(desk, body["logId"]) != "reported":
            await asyncio.sleep(0.01)
        assert (await desk.post("/run", body))["code"] == 200
        await until(lambda: len(desk.console.callbacks) == 2)

    assert starts == [body["logId"]]
    assert desk.console.callbacks[0] == desk.console.callbacks[1]


async def test_more_runs_than_the_limit_wait_for_a_free_place(tmp_path: Path) -> None:
    most, running = 0, 0

    async def crowd() -> None:
        nonlocal most, running
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1

    async with open_executor(tmp_path, registry_of(crowd), extra="max_concurrent_runs: 2") as desk:
        log_ids = [await desk.run("crowd", jobId=number) for number in range(6)]
        for log_id in log_ids:
            await desk.callback_of(log_id)

    assert most == 2


async def test_a_run_killed_while_it_waits_for_a_free_place_never_begins(tmp_path: Path) -> None:
    async with open_executor(tmp_path, registry_of(nap, quick), extra="max_concurrent_runs: 1") as desk:
        await desk.run("nap", jobId=1)
        waiting = await desk.run("quick", jobId=2)
        await desk.post("/kill", {"jobId": 2})
        assert (await desk.callback_of(waiting))["handleMsg"] == KILLED_QUEUED
        assert (await desk.post("/idleBeat", {"jobId": 2}))["code"] == 200


async def test_idle_beat_tells_whether_the_job_is_busy(tmp_path: Path) -> None:
    async with open_executor(tmp_path, registry_of(nap)) as desk:
        assert await desk.post("/idleBeat", {"jobId": 4}) == {"code": 200, "msg": None}
        await desk.run("nap")
        busy = await desk.post("/idleBeat", {"jobId": 4})

    assert busy == {"code": 500, "msg": "job thread is running or has trigger queue."}


async def test_a_higher_limit_lets_those_start_that_waited_longest(tmp_path: Path) -> None:
    began: list[str] = []

    async def stay(ctx: JobContext) -> None:
        began.append(ctx.param)
        await asyncio.sleep(30)

    async with open_executor(tmp_path, registry_of(stay), extra="max_concurrent_runs: 1") as desk:
        for number in (1, 2):
            await desk.run("stay", jobId=number, executorParams=str(number))
        await desk.apply(settings_text(desk.console, "host: 127.0.0.1\nmax_concurrent_runs: 2"))
        await desk.run("stay", jobId=3, executorParams="3")
        await until(lambda: len(began) == 2)

    assert began == ["1", "2"]
