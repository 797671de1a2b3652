"""A coroutine on the loop: attempts, stops, and what ends it."""

import asyncio
import math
import threading
from collections.abc import Callable
from typing import Any

import pytest

from app.jobs.body_coroutine import CoroutineBody
from app.jobs.chain import RunChain
from app.jobs.executions import Executions
from app.jobs.options import JobOptions, Retry
from app.jobs.record import RunOutcome
from app.jobs.result import killed
from app.jobs.run import Run
from app.jobs.run_log import MemoryRunLog
from support.jobs_support import RecordingEvents, build_run

ONCE = Retry(attempts=1)
QUICK = Retry(attempts=3, first_seconds=0)
SLOW = Retry(attempts=3, first_seconds=60)


class Bench:
    def __init__(self) -> None:
        self.events = RecordingEvents()
        self.chain = RunChain((), (), self.events, lambda _: MemoryRunLog())
        self.executions = Executions()
        self.body = CoroutineBody(asyncio.get_running_loop(), self.chain, self.executions)

    def start(self, function: Callable[..., Any], retry: Retry = ONCE, **fields: Any) -> Run:
        run = build_run(function, options=JobOptions(retry=retry), **fields)
        self.body.start(run)
        return run

    async def run(self, function: Callable[..., Any], retry: Retry = ONCE) -> Run:
        run = self.start(function, retry)
        await self.end()
        return run

    def executing(self) -> list[tuple[int, int]]:
        """Log id and thread of each."""
        return [(one.log_id, one.thread_id) for one in self.executions.list_since(math.inf)]

    def kill(self, run: Run) -> None:
        self.chain.settle(run, killed("why"))
        run.stop_event.set()
        self.body.stop(run)

    async def end(self, ends: int = 1) -> None:
        async with asyncio.timeout(5):
            while self.events.seen.count("ended") < ends:
                await asyncio.sleep(0)


def failing(times: int) -> Callable[[], Any]:
    left = [times]

    async def work() -> str:
        left[0] -= 1
        if left[0] >= 0:
            raise ConnectionError("not yet")
        return "at last"

    return work


@pytest.mark.parametrize(
    ("failures", "outcome", "attempt"),
    [(0, RunOutcome.SUCCESS, 1), (2, RunOutcome.SUCCESS, 3), (3, RunOutcome.FAILED, 3)],
)
async def test_it_is_tried_again_until_it_succeeds_or_the_attempts_are_over(
    failures: int, outcome: RunOutcome, attempt: int
) -> None:
    bench = Bench()
    record = (await bench.run(failing(failures), QUICK)).record
    assert (record.outcome, record.attempt) == (outcome, attempt)
    assert bench.events.seen == ["settled", "ended"]


async def test_a_kill_ends_the_pause_between_two_attempts_at_once() -> None:
    bench, failed_once = Bench(), asyncio.Event()

    async def work() -> None:
        failed_once.set()
        raise ConnectionError

    run = bench.start(work, SLOW)
    await failed_once.wait()
    bench.kill(run)
    await bench.end()
    assert (run.record.message, run.record.attempt) == ("why", 1)


async def leave() -> None:
    raise SystemExit(3)


async def interrupt() -> None:
    raise KeyboardInterrupt


async def cancel() -> None:
    raise asyncio.CancelledError


async def cancel_itself() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


async def close_itself() -> None:
    raise GeneratorExit


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (leave, "SystemExit: 3"),
        (interrupt, "KeyboardInterrupt"),
        (cancel, "CancelledError"),
        (cancel_itself, "CancelledError"),
        (close_itself, "GeneratorExit"),
    ],
)
async def test_what_would_leave_the_loop_ends_the_run_only_and_is_not_tried_again(
    function: Callable[[], Any], message: str
) -> None:
    bench = Bench()
    record = (await bench.run(function, QUICK)).record
    assert (record.outcome, record.message, record.attempt) == (RunOutcome.FAILED, message, 1)
    assert (await bench_goes_on(bench)) == RunOutcome.SUCCESS


async def bench_goes_on(bench: Bench) -> RunOutcome | None:
    run = bench.start(failing(0), log_id=2)
    await bench.end(2)
    return run.record.outcome


async def test_one_that_cancels_itself_as_its_last_act_has_the_result_it_gave() -> None:
    async def work() -> str:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        return "done"

    bench = Bench()
    assert (await bench.run(work)).record.message == "done"
    assert bench.events.seen == ["settled", "ended"]


async def test_one_that_swallows_its_cancellation_goes_on_and_keeps_the_result_it_was_given() -> None:
    gate, cancelled = asyncio.Event(), asyncio.Event()

    async def stubborn() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
        await gate.wait()
        return "too late"

    bench = Bench()
    run = bench.start(stubborn)
    while not bench.executing():
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    bench.kill(run)
    await cancelled.wait()
    assert bench.events.seen == ["settled"]
    gate.set()
    await bench.end()
    assert run.record.message == "why"


async def test_one_that_was_stopped_before_the_loop_got_to_it_never_begins() -> None:
    bench, begun = Bench(), list[bool]()

    async def work() -> None:
        begun.append(True)

    run = bench.start(work)
    bench.kill(run)
    await bench.end()
    assert begun == []
    assert run.record.message == "why"


async def test_many_that_start_at_once_wake_the_loop_once_and_all_run() -> None:
    bench = Bench()
    runs = [bench.start(failing(0), log_id=number) for number in range(50)]
    await bench.end(50)
    assert {run.record.message for run in runs} == {"at last"}


async def test_who_is_being_executed_is_known_with_the_thread() -> None:
    bench, gate = Bench(), asyncio.Event()
    run = bench.start(gate.wait)
    while not bench.executing():
        await asyncio.sleep(0)
    executing = bench.executing()
    gate.set()
    await bench.end()
    assert executing == [(run.record.log_id, threading.get_ident())]
    assert bench.executing() == []
