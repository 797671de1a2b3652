"""Bodies begin, end and are stopped, in a thread or on the loop."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

from app.jobs.chain import RunChain
from app.jobs.options import Isolation, JobOptions
from app.jobs.result import killed, succeeded
from app.jobs.run import Run
from app.jobs.run_log import MemoryRunLog
from app.jobs.runner import JobRunner
from support.jobs_support import RecordingEvents, build_run


class Bench:
    def __init__(self) -> None:
        self.events = RecordingEvents()
        self.chain = RunChain((), (), self.events, lambda _: MemoryRunLog())
        self.runner = JobRunner(asyncio.get_running_loop(), self.chain)

    async def run(self, function: Callable[..., Any]) -> Run:
        run = build_run(function)
        self.runner.start(run)
        await self.end()
        return run

    async def end(self) -> None:
        assert await asyncio.to_thread(self.events.over.wait, 5)

    def kill(self, run: Run) -> None:
        self.chain.settle(run, killed("why"))
        self.runner.stop(run)


async def on_the_loop() -> int:
    return threading.get_ident()


def in_a_thread() -> int:
    return threading.get_ident()


async def test_a_coroutine_runs_on_the_loop_and_a_function_in_a_thread() -> None:
    first, second = await Bench().run(on_the_loop), await Bench().run(in_a_thread)
    here = str(threading.get_ident())
    assert first.record.message == here
    assert second.record.message != here


async def test_the_result_is_told_before_the_end() -> None:
    bench = Bench()
    await bench.run(in_a_thread)
    assert bench.events.seen == ["settled", "ended"]


async def test_a_stopped_coroutine_is_cancelled_and_keeps_the_result_it_was_given() -> None:
    started, cancelled = asyncio.Event(), []

    async def wait() -> None:
        started.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    bench, run = Bench(), build_run(wait)
    bench.runner.start(run)
    await started.wait()
    bench.kill(run)
    await bench.end()

    assert cancelled == [True]
    assert run.record.message == "why"


async def test_a_stopped_function_can_ask() -> None:
    bench = Bench()
    run = build_run(lambda: run.stop_event.wait(5))
    bench.runner.start(run)
    began = time.monotonic()
    bench.kill(run)
    await bench.end()
    assert time.monotonic() - began < 2


async def test_a_run_that_was_stopped_before_it_began_never_begins() -> None:
    begun: list[str] = []

    async def body() -> None:
        begun.append("async")

    for function in (body, lambda: begun.append("plain")):
        bench, run = Bench(), build_run(function)
        bench.chain.settle(run, killed("why"))
        bench.runner.start(run)
        await bench.end()
    assert begun == []


async def test_a_body_begins_with_an_empty_context_of_its_own() -> None:
    from app.common.context import bound, get_trace_id

    async def look() -> str:
        return get_trace_id()

    with bound("trace-of-the-request"):
        run = await Bench().run(look)
    assert run.record.message == "-"


async def test_a_coroutine_that_is_cancelled_before_its_first_step_has_a_result() -> None:
    async def body() -> None:
        raise AssertionError("must not begin")

    bench, run = Bench(), build_run(body)
    bench.runner.start(run)
    await asyncio.sleep(0)
    [task] = [task for task in asyncio.all_tasks() if task.get_name() == "job-it-1"]
    task.cancel()
    await bench.end()

    assert bench.events.seen == ["settled", "ended"]
    assert run.record.message == "CancelledError: before the run began"


class RecordingBody:
    """Another kind of body, given from outside."""

    def __init__(self, chain: RunChain) -> None:
        self._chain = chain
        self.asked: list[str] = []

    def start(self, run: Run) -> None:
        self.asked.append("start")
        self._chain.settle(run, succeeded("elsewhere"))
        self._chain.events.ended(run)

    def stop(self, run: Run) -> None:
        self.asked.append("stop")


def isolated() -> None:
    raise AssertionError("must not run here")


async def test_a_job_with_isolation_is_run_by_the_body_given_for_it() -> None:
    bench = Bench()
    body = RecordingBody(bench.chain)
    runner = JobRunner(asyncio.get_running_loop(), bench.chain, {Isolation.PROCESS: body})
    run = build_run(isolated, options=JobOptions(isolation=Isolation.PROCESS))
    runner.start(run)
    runner.stop(run)

    assert (run.record.message, body.asked) == ("elsewhere", ["start", "stop"])
    assert run.stop_event.is_set()


async def test_an_isolation_that_nobody_provides_fails_the_run() -> None:
    bench, run = Bench(), build_run(isolated, options=JobOptions(isolation=Isolation.PROCESS))
    bench.runner.start(run)
    bench.runner.stop(run)

    assert run.record.message == "StartupError: isolation=process is not available here"
    assert bench.events.seen == ["settled", "ended"]
