"""One run of a job in the test's own process, through the real chain, with everything it left behind.

run = await run_job("clean_orders", param={"older_than_days": 3})
assert (run.outcome, run.message) == ("success", "2 deleted")
"""

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from app.alerts.base import AlertEvent
from app.alerts.memory import MemoryAlertSender
from app.bootstrap import job_packages
from app.common.trace import run_trace_id
from app.jobs.chain import build_chain
from app.jobs.hosting import hosting_runs
from app.jobs.ledger.memory import MemoryRunLedger
from app.jobs.links import Link
from app.jobs.loading import load_job_modules
from app.jobs.options import Isolation
from app.jobs.record import RunRecord, RunState
from app.jobs.registry import JobDefinition, JobRegistry, build_definition, default_registry
from app.jobs.result import timed_out
from app.jobs.run import Run
from app.jobs.run_log import MemoryRunLog
from app.jobs.runner import JobRunner
from app.runtime import Runtime
from app.testing.job_run import JobRun
from app.testing.memory_runtime import SettingsText, open_memory_runtime
from app.xxl_job.executor.callback import Callback, build_callback
from app.xxl_job.executor.isolation.body import open_isolated_body

ABANDON_SECONDS: Final = 2.0
"""How long the test waits for a body that goes on after its result was fixed."""
GRACE_SECONDS: Final = 0.5
"""How long an isolated body that was timed out may take to end before its process is killed."""
_log_ids = itertools.count(1)


async def run_job(
    job: str | Callable[..., Any],
    *,
    param: Any = "",
    shard: tuple[int, int] = (0, 1),
    timeout: float | None = None,  # noqa: ASYNC109 - the run's own limit, as the console gives it
    attempt: int = 1,
    job_id: int = 1,
    settings: SettingsText = "",
    overrides: Mapping[str, Any] | None = None,
    runtime: Runtime | None = None,
    folder: Path | None = None,
    registry: JobRegistry = default_registry,
) -> JobRun:
    """Runs a job, by its name or the function itself, to its end. A job that fails raises nothing here.

    `param`: a text as it is, anything else as JSON. `shard`: index and total. `timeout` in seconds. The pauses between
    a job's own retries are left out.
    `settings`, `overrides` and `folder` are those of `open_memory_runtime`; or give an open `runtime`, and the run
    takes place in that one. Raises NotFoundError for a job that is not there.
    """
    async with AsyncExitStack() as stack:
        if runtime is None:
            runtime = await stack.enter_async_context(open_memory_runtime(folder, settings, overrides))
        stack.enter_context(hosting_runs(asyncio.get_running_loop()))
        definition = _without_pauses(find_job(job, runtime, registry))
        text = param if isinstance(param, str) else json.dumps(param, ensure_ascii=False)
        record = _build_record(
            runtime, handler=definition.name, param=text, shard=shard, attempt=attempt, job_id=job_id
        )
        return await _Desk(runtime).run(Run(record, definition, timeout))


def run_job_sync(job: str | Callable[..., Any], **options: Any) -> JobRun:
    """`run_job` for tests without an event loop."""
    return asyncio.run(run_job(job, **options))


def find_job(
    job: str | Callable[..., Any], runtime: Runtime, registry: JobRegistry = default_registry
) -> JobDefinition:
    """The job; what the settings and the features name is loaded when it is not there yet.

    A function that is not registered counts as a job without options. Raises NotFoundError for an unknown name.
    """
    if not isinstance(job, str):
        known = next((definition for definition in registry if definition.function is job), None)
        return known or build_definition(getattr(job, "__name__", "job"), job)
    if registry is default_registry and registry.find(job) is None:
        _load(runtime)
    return registry.get(job)


def _without_pauses(definition: JobDefinition) -> JobDefinition:
    retry = replace(definition.options.retry, first_seconds=0, longest_seconds=0)
    return replace(definition, options=replace(definition.options, retry=retry))


def _load(runtime: Runtime) -> None:
    packages = job_packages(runtime.settings.state.snapshot.settings)
    if find_spec("pyxxl") is None:
        load_job_modules(packages)
        return
    from app.xxl_job.executor import pyxxl_base  # noqa: PLC0415 - needs the xxl extra

    with pyxxl_base.plain_functions_welcome():
        load_job_modules(packages, adopt=pyxxl_base.adopt_handlers)


def _stock_links() -> tuple[Link, ...]:
    """What handlers of stock pyxxl modules expect around them."""
    if find_spec("pyxxl") is None:
        return ()
    from app.xxl_job.executor.pyxxl_base import pyxxl_globals  # noqa: PLC0415 - needs the xxl extra

    return (pyxxl_globals,)


def _build_record(runtime: Runtime, *, shard: tuple[int, int], job_id: int, **fields: Any) -> RunRecord:
    log_id, moment = next(_log_ids), time.time_ns() // 1_000_000
    return RunRecord(
        run_id=f"test|{job_id}|{log_id}|{moment}",
        trigger="test",
        console="test",
        log_id=log_id,
        log_date_time=moment,
        job_id=job_id,
        shard_index=shard[0],
        shard_total=shard[1],
        instance=runtime.instance,
        trace_id=run_trace_id(runtime.settings.state.snapshot.settings.xxl_job.app_name, log_id),
        state=RunState.ACCEPTED,
        accepted_at=datetime.now(UTC),
        **fields,
    )


class _Desk:
    """Plays the engine for one run, which tells it of its steps from any thread."""

    def __init__(self, runtime: Runtime) -> None:
        self._loop = asyncio.get_running_loop()
        self._runtime = runtime
        self._ledger = MemoryRunLedger()
        self._logs: list[MemoryRunLog] = []
        self._callbacks: list[Callback] = []
        self._settled = asyncio.Event()
        self._ended = asyncio.Event()
        self._chain = build_chain(runtime, self, self._open_log, _stock_links())

    async def run(self, run: Run) -> JobRun:
        before = len(self._alerts())
        self._ledger.accept(run.record, lambda _: None)
        packages = (*job_packages(self._runtime.settings.state.snapshot.settings), run.definition.function.__module__)
        isolated = open_isolated_body(self._chain, self._runtime, packages, lambda: 1, grace_seconds=GRACE_SECONDS)
        try:
            self._runner = JobRunner(self._loop, self._chain, {Isolation.PROCESS: isolated})
            self._runner.start(run)
            await self._settled.wait()
            abandoned = not await self._has_ended()
        finally:
            await asyncio.to_thread(isolated.close)
        record = self._ledger.find(run.record.run_id)
        assert record is not None  # noqa: S101 - it was accepted above
        return JobRun(
            record=record,
            log="".join(log.text for log in self._logs),
            alerts=tuple(self._alerts()[before:]),
            callbacks=tuple(self._callbacks),
            exception=run.result.exception if run.result else None,
            abandoned=abandoned,
        )

    def _open_log(self, _: RunRecord) -> MemoryRunLog:
        self._logs.append(MemoryRunLog())
        return self._logs[-1]

    def started(self, run: Run) -> None:
        self._ledger.update(run.record)
        if run.timeout_seconds:
            self._loop.call_soon_threadsafe(self._loop.call_later, run.timeout_seconds, self._time_out, run)

    def settled(self, run: Run) -> None:
        record = run.record
        self._ledger.update(record)
        self._callbacks.append(build_callback(record))
        self._loop.call_soon_threadsafe(self._settled.set)

    def ended(self, run: Run) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)

    def _time_out(self, run: Run) -> None:
        if self._chain.settle(run, timed_out()):
            self._runner.stop(run)

    async def _has_ended(self) -> bool:
        try:
            async with asyncio.timeout(ABANDON_SECONDS):
                await self._ended.wait()
        except TimeoutError:
            return False
        return True

    def _alerts(self) -> list[AlertEvent]:
        alerts = self._runtime.alerts
        return alerts.raised if isinstance(alerts, MemoryAlertSender) else []
