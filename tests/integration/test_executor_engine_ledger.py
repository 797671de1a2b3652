"""The engine and its ledger: late, restarted, and under a thousand runs."""

import asyncio
import gc
import time
import tracemalloc
from pathlib import Path

import pytest

from app.jobs import JobContext
from app.jobs.options import JobOptions
from app.jobs.registry import JobRegistry, build_definition
from app.testing.fake_console import FakeConsole
from app.xxl_job.executor import control_plane
from support.executor import ExecutorDesk, open_executor, registry_of, settings_text, trigger, until
from support.slow_ledger import SlowLedger

TOO_LATE = {"code": 500, "msg": "the run ledger was too slow: the run was not taken"}


async def noop() -> None: ...


async def nap(ctx: JobContext) -> str:
    await asyncio.sleep(float(ctx.param or 60))
    return "rested"


@pytest.fixture
def slow_ledger(monkeypatch: pytest.MonkeyPatch) -> SlowLedger:
    ledger = SlowLedger()

    async def opened(*_: object) -> tuple[SlowLedger, list[object]]:
        return ledger, []

    monkeypatch.setattr(control_plane, "open_run_ledger", opened)
    return ledger


async def test_a_run_that_is_not_durable_in_2_seconds_is_refused_before_the_console_gives_up_and_never_starts(
    tmp_path: Path, slow_ledger: SlowLedger
) -> None:
    starts: list[int] = []

    async def count(ctx: JobContext) -> None:
        starts.append(ctx.log_id)

    async with open_executor(tmp_path, registry_of(count)) as desk:
        slow_ledger.seconds = 2.6
        began = time.monotonic()
        answers = await asyncio.gather(*(desk.post("/run", trigger("count", jobId=number)) for number in range(5)))
        took = time.monotonic() - began
        assert [await desk.post("/beat"), await desk.post("/idleBeat", {"jobId": 99})] == [
            {"code": 200, "msg": None}
        ] * 2
        slow_ledger.seconds = 0
        await until(lambda: slow_ledger.list_unfinished() == [] and time.monotonic() - began > 2.8)
        after = await desk.run("count", logId=999)
        await desk.callback_of(after)

    assert answers == [TOO_LATE] * 5
    assert 1.9 < took < 2.9
    assert starts == [999]


async def test_a_busy_job_says_so_while_its_run_is_stored(tmp_path: Path, slow_ledger: SlowLedger) -> None:
    async with open_executor(tmp_path, registry_of(noop)) as desk:
        slow_ledger.seconds = 0.5
        posted = asyncio.create_task(desk.post("/run", trigger("noop")))
        await until_code(desk, 500)
        assert (await posted)["code"] == 200
        await until_code(desk, 200)


async def until_code(desk: ExecutorDesk, code: int) -> None:
    async with asyncio.timeout(5):
        while (await desk.post("/idleBeat", {"jobId": 4}))["code"] != code:
            await asyncio.sleep(0.01)


async def test_callbacks_that_the_console_did_not_take_before_the_end_go_out_after_the_restart(tmp_path: Path) -> None:
    with FakeConsole() as console:
        text = settings_text(console, f"host: 127.0.0.1\nport: {console_port()}\ndrain_seconds: 2")
        async with open_executor(tmp_path, registry_of(noop), console=console, text=text) as desk:
            await until(lambda: console.registrations)
            console.stop()
            log_ids = [await desk.run("noop", jobId=number) for number in range(10)]
        assert console.callbacks == []
        console.start()
        async with open_executor(tmp_path, registry_of(noop), console=console, text=text) as desk:
            for log_id in log_ids:
                await desk.callback_of(log_id)
            known = await desk.post("/run", trigger("noop", jobId=0, logId=log_ids[0]))

    assert known == {"code": 200, "msg": None}
    assert sorted({item["logId"] for item in console.callbacks}) == sorted(log_ids)
    assert {item["handleCode"] for item in console.callbacks} == {200}


def console_port() -> int:
    """A port for the executor, the same at both of its starts: it names its ledger."""
    with FakeConsole() as other:
        return int(other.url.rsplit(":", 1)[1].split("/")[0])


async def test_concurrency_token_and_retention_change_without_a_lost_run(tmp_path: Path) -> None:
    async with open_executor(tmp_path, registry_of(nap, noop), extra="max_concurrent_runs: 1") as desk:
        running = await desk.run("nap", jobId=1, executorParams="1")
        waiting = [await desk.run("nap", jobId=number, executorParams="0") for number in (2, 3)]
        desk.console.token = "a-token-of-tomorrow"
        changed = "host: 127.0.0.1\nmax_concurrent_runs: 3\nledger_retention_days: 1\njob_limits: {noop: 1}"
        await desk.apply(settings_text(desk.console, changed))
        early = [(await desk.callback_of(log_id))["handleMsg"] for log_id in waiting]
        still_running = desk.console.callback_of(running) is None
        refused = await desk.post("/beat", token="fake-console-token")
        assert (await desk.callback_of(running))["handleMsg"] == "rested"

    assert early == ["rested", "rested"]
    assert still_running
    assert refused["msg"] == "The access token is wrong."


@pytest.mark.parametrize("limited_by", ["job", "settings"])
async def test_a_handler_at_its_limit_waits_and_holds_up_no_other(tmp_path: Path, limited_by: str) -> None:
    most, now = 0, 0

    async def capped() -> None:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.1)
        now -= 1

    registry = JobRegistry()
    options = JobOptions(max_concurrent=2 if limited_by == "job" else 5)
    registry.add(build_definition("capped", capped, options=options))
    registry.add(build_definition("noop", noop))
    extra = "job_limits: {capped: 2}" if limited_by == "settings" else ""
    async with open_executor(tmp_path, registry, extra=extra) as desk:
        log_ids = [await desk.run("capped", jobId=number) for number in range(8)]
        assert (await desk.outcome_of("noop", jobId=99))[0] == 200
        unfinished = [log_id for log_id in log_ids if desk.console.callback_of(log_id) is None]
        for log_id in log_ids:
            await desk.callback_of(log_id)

    assert most == 2
    assert unfinished


async def test_the_drain_keeps_its_time_with_the_console_down_and_a_run_that_never_ends(tmp_path: Path) -> None:
    async with open_executor(tmp_path, registry_of(nap), extra="drain_seconds: 3") as desk:
        await until(lambda: desk.console.registrations)
        await desk.run("nap")
        desk.console.stop()
        began = time.monotonic()
        desk.plane.request_stop()
        while (beat := await desk.post("/beat"))["code"] == 200:
            await asyncio.sleep(0)
        refused = [
            beat,
            await desk.post("/idleBeat", {"jobId": 1}),
            await desk.post("/run", trigger("nap")),
        ]
        await desk.plane.stopped()
        took = time.monotonic() - began

    assert refused == [{"code": 500, "msg": "executor is shutting down"}] * 3
    assert took < 5


async def memory_after(desk: ExecutorDesk, runs: int) -> tuple[int, int]:
    """Bytes of Python objects and open files after so many runs of 50 jobs."""
    pending = [await desk.run("noop", jobId=number % 50, executorParams="x" * 20_000) for number in range(runs)]
    for log_id in pending:
        await until(lambda log_id=log_id: desk.console.callback_of(log_id))  # type: ignore[misc]
    desk.console.callbacks.clear()
    desk.console.requests.clear()
    desk.console.headers.clear()
    gc.collect()
    return tracemalloc.get_traced_memory()[0], sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.parametrize("runs", [200, pytest.param(5000, marks=pytest.mark.soak)])
async def test_nothing_is_kept_of_runs_that_are_over(tmp_path: Path, runs: int) -> None:
    async with open_executor(tmp_path, registry_of(noop)) as desk:
        tracemalloc.start()
        try:
            await memory_after(desk, 150)
            bytes_before, files_before = await memory_after(desk, 20)
            bytes_after, files_after = await memory_after(desk, runs)
        finally:
            tracemalloc.stop()

    assert bytes_after - bytes_before < 2_000_000  # of 200 runs that were kept the parameters alone are twice as much
    assert files_after <= files_before + 3
