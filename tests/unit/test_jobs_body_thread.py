"""A plain function in its thread: attempts, stops, and what ends it."""

import math
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from app.jobs.body_thread import ThreadBody
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
        self.body = ThreadBody(self.chain, self.executions)

    def start(self, function: Callable[..., Any], retry: Retry = ONCE) -> Run:
        run = build_run(function, options=JobOptions(retry=retry))
        self.body.start(run)
        return run

    def run(self, function: Callable[..., Any], retry: Retry = ONCE) -> Run:
        run = self.start(function, retry)
        self.end()
        return run

    def executing(self) -> list[tuple[int, int]]:
        """Log id and thread of each."""
        return [(one.log_id, one.thread_id) for one in self.executions.list_since(math.inf)]

    def kill(self, run: Run) -> None:
        self.chain.settle(run, killed("why"))
        run.stop_event.set()
        self.body.stop(run)

    def end(self) -> None:
        assert self.events.over.wait(5)


def failing(times: int) -> Callable[[], str]:
    left = [times]

    def work() -> str:
        left[0] -= 1
        if left[0] >= 0:
            raise ConnectionError("not yet")
        return "at last"

    return work


@pytest.mark.parametrize(
    ("failures", "outcome", "attempt"),
    [(0, RunOutcome.SUCCESS, 1), (2, RunOutcome.SUCCESS, 3), (3, RunOutcome.FAILED, 3)],
)
def test_it_is_tried_again_until_it_succeeds_or_the_attempts_are_over(
    failures: int, outcome: RunOutcome, attempt: int
) -> None:
    bench = Bench()
    record = bench.run(failing(failures), QUICK).record
    assert (record.outcome, record.attempt) == (outcome, attempt)
    assert bench.events.seen == ["settled", "ended"]


def test_a_kill_ends_the_pause_between_two_attempts_at_once() -> None:
    bench, failed_once = Bench(), threading.Event()

    def work() -> None:
        failed_once.set()
        raise ConnectionError

    run = bench.start(work, SLOW)
    assert failed_once.wait(5)
    began = time.monotonic()
    bench.kill(run)
    bench.end()
    assert time.monotonic() - began < 5
    assert (run.record.message, run.record.attempt) == ("why", 1)


def leave() -> None:
    raise SystemExit(3)


def interrupt() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(("function", "message"), [(leave, "SystemExit: 3"), (interrupt, "KeyboardInterrupt")])
def test_what_leaves_the_process_ends_the_run_and_is_not_tried_again(
    function: Callable[[], None], message: str
) -> None:
    record = Bench().run(function, QUICK).record
    assert (record.outcome, record.message, record.attempt) == (RunOutcome.FAILED, message, 1)


def test_a_function_that_ignores_its_stop_keeps_its_thread_but_not_its_result() -> None:
    bench, gate = Bench(), threading.Event()
    run = bench.start(lambda: gate.wait(10))
    bench.kill(run)
    assert bench.events.seen == ["settled"]
    assert run.record.outcome is RunOutcome.KILLED
    gate.set()
    bench.end()
    assert bench.events.seen == ["settled", "ended"]


def test_who_is_being_executed_is_known_with_the_thread() -> None:
    bench, gate, seen = Bench(), threading.Event(), list[int]()

    def work() -> None:
        seen.append(threading.get_ident())
        gate.wait(10)

    run = bench.start(work)
    while not seen:
        time.sleep(0.001)
    executing = bench.executing()
    gate.set()
    bench.end()
    assert executing == [(run.record.log_id, seen[0])]
    assert bench.executing() == []
