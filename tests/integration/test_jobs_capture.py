"""Everything written inside a run reaches its log; nothing of a run stays behind or reaches another."""

import asyncio
import importlib.util
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pyxxl.ctx import g

from app.common.context import get_trace_id, run_var
from app.common.logger import LogHandle, LogOptions, configure_logging, log
from app.config.snapshot import settings
from app.jobs import JobContext
from support.executor import ExecutorDesk, open_executor, registry_of, settings_text, until


@pytest.fixture
def process_log(tmp_path: Path) -> Iterator[LogHandle]:
    handle = configure_logging(
        LogOptions(instance="executor-h-0", log_path=tmp_path / "log", env="test", console=False)
    )
    yield handle
    handle.close()


def process_text(handle: LogHandle, tmp_path: Path) -> str:
    assert handle.flush()
    return "".join(path.read_text() for path in (tmp_path / "log").rglob("*.log"))


async def log_of(desk: ExecutorDesk, log_id: int) -> str:
    return str((await desk.log_page(log_id))["logContent"])


def in_a_thread(work: Callable[[], Any]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def shown_as_by_python(message: str) -> None:
    """Not by the `warnings` that pytest records: by a module of its own, which is what a process has."""
    spec = importlib.util.find_spec("warnings")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.showwarning(message, UserWarning, "jobs.py", 3)


def write_in_every_way(ctx: JobContext) -> None:
    ctx.log.info("by the context")
    g.logger.info("by pyxxl's logger")
    log.info("by loguru")
    logging.getLogger("some.library").warning("by stdlib %s", "logging")
    print("by print")  # noqa: T201 - what is tested
    sys.stderr.write("by stderr\n")
    shown_as_by_python("by a warning")
    in_a_thread(lambda: log.info("by a thread"))
    in_a_thread(lambda: print("by a printing thread"))  # noqa: T201 - as above
    with ThreadPoolExecutor(1) as pool:
        pool.submit(log.info, "by a pool").result()
    sys.stdout.write("by print without an end")


async def write_in_every_way_and_await(ctx: JobContext) -> None:
    write_in_every_way(ctx)


WAYS = [
    "by the context",
    "by pyxxl's logger",
    "by loguru",
    "by stdlib logging",
    "by print",
    "by stderr",
    "UserWarning: by a warning",
    "by a thread",
    "by a printing thread",
    "by a pool",
    "by print without an end",
]


@pytest.mark.parametrize("job", [write_in_every_way, write_in_every_way_and_await])
async def test_whatever_a_run_writes_is_in_its_log_with_the_trace_id(
    tmp_path: Path, process_log: LogHandle, job: Callable[..., Any]
) -> None:
    async with open_executor(tmp_path, registry_of(job)) as desk:
        log_id = await desk.run(job.__name__)
        assert (await desk.callback_of(log_id))["handleCode"] == 200
        lines = (await log_of(desk, log_id)).splitlines()

    assert [line for line in lines if f"[xxl-test-executor-{log_id}]" not in line] == []
    found = [next((way for way in reversed(WAYS) if way in line), line) for line in lines[1:-1]]
    assert [way for way in found if way in WAYS] == WAYS
    assert "run started" in lines[0]
    assert "run finished" in lines[-1]


async def test_printed_text_goes_to_the_stream_as_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def speak() -> None:
        print("by print")  # noqa: T201 - what is tested

    async with open_executor(tmp_path, registry_of(speak)) as desk:
        await desk.outcome_of("speak")
    assert "by print\n" in capsys.readouterr().out


@pytest.mark.parametrize("as_thread", [True, False])
async def test_a_line_after_the_end_is_in_the_process_log_only(
    tmp_path: Path, process_log: LogHandle, as_thread: bool
) -> None:
    gate, left = threading.Event(), list[threading.Thread]()

    def linger() -> None:
        gate.wait(10)
        log.info("late")
        print("late too")  # noqa: T201 - what is tested

    def start(ctx: JobContext) -> None:
        left.append(threading.Thread(target=linger, daemon=True))
        left[0].start()

    async def start_async(ctx: JobContext) -> None:
        start(ctx)

    job = start if as_thread else start_async
    async with open_executor(tmp_path, registry_of(job)) as desk:
        log_id = await desk.run(job.__name__)
        await desk.callback_of(log_id)
        await until(lambda: not open_job_logs())
        before = await log_of(desk, log_id)
        gate.set()
        await asyncio.to_thread(left[0].join)
        assert await log_of(desk, log_id) == before
        assert open_job_logs() == []

    [line] = [line for line in process_text(process_log, tmp_path).splitlines() if line.endswith("] late")]
    assert f"[xxl-test-executor-{log_id}]" in line


def open_job_logs() -> list[str]:
    names = [os.path.realpath(entry) for entry in Path("/proc/self/fd").iterdir()]
    return [name for name in names if "/xxl_log/" in name and name.endswith(".log")]


async def test_nothing_that_a_run_made_outlives_it(tmp_path: Path, process_log: LogHandle) -> None:
    def write(ctx: JobContext) -> None:
        ctx.log.info("by the context")
        g.logger.info("by pyxxl's logger")

    def kept() -> tuple[int, int, int]:
        handlers = sum(len(getattr(logger, "handlers", ())) for logger in logging.root.manager.loggerDict.values())
        return len(logging.root.manager.loggerDict), handlers, len(open_job_logs())

    async with open_executor(tmp_path, registry_of(write)) as desk:
        await desk.outcome_of("write")
        await until(lambda: not open_job_logs())
        before = kept()
        for _ in range(20):
            assert (await desk.outcome_of("write"))[0] == 200
        await until(lambda: kept() == before)


def mode_seen() -> tuple[str, Any, Any]:
    run = run_var.get()
    return get_trace_id(), run and run.param, settings().get("mode")


async def test_runs_at_once_see_each_their_own_context_also_in_their_threads(tmp_path: Path) -> None:
    seen: dict[str, list[Any]] = {"a": [], "b": []}
    both = threading.Barrier(2)

    def look(ctx: JobContext) -> None:
        both.wait(10)
        views = seen[ctx.param]
        for _ in range(20):
            views.append(mode_seen())
            in_a_thread(lambda: views.append(mode_seen()))

    async with open_executor(tmp_path, registry_of(look)) as desk:
        await desk.apply(settings_text(desk.console, "host: 127.0.0.1") + "mode: one\n")
        log_ids = {name: await desk.run("look", jobId=number, executorParams=name) for number, name in enumerate("ab")}
        for log_id in log_ids.values():
            assert (await desk.callback_of(log_id))["handleCode"] == 200

    assert {name: set(views) for name, views in seen.items()} == {
        name: {(f"xxl-test-executor-{log_id}", name, "one")} for name, log_id in log_ids.items()
    }


async def test_a_pools_thread_takes_nothing_of_a_run_into_the_next(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:

        def look(ctx: JobContext) -> str:
            return pool.submit(get_trace_id).result()

        async def look_async(ctx: JobContext) -> str:
            return await asyncio.wrap_future(pool.submit(get_trace_id))

        async with open_executor(tmp_path, registry_of(look, look_async)) as desk:
            for job in ("look", "look_async", "look"):
                log_id = await desk.run(job)
                assert (await desk.callback_of(log_id))["handleMsg"] == f"xxl-test-executor-{log_id}"
            assert pool.submit(get_trace_id).result() == "-"
