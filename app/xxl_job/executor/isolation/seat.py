"""A child's one place for a run: takes runs and settings in order, and tells what becomes of them."""

import asyncio
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from app.common.errors import NotFoundError
from app.common.redaction import register_secrets
from app.config.history import Outcome
from app.config.sources.base import Trigger
from app.jobs.chain import RunChain
from app.jobs.links import trace_link
from app.jobs.record import RunRecord
from app.jobs.registry import JobRegistry
from app.jobs.result import RunResult, killed
from app.jobs.run import Run
from app.jobs.run_log import MemoryRunLog
from app.jobs.runner import JobRunner
from app.runtime import Runtime
from app.xxl_job.executor.isolation import messages
from app.xxl_job.executor.isolation.failures import pack_failure
from app.xxl_job.executor.isolation.forwarding import Send
from app.xxl_job.executor.isolation.frames import Frame
from app.xxl_job.executor.isolation.limits import limited
from app.xxl_job.executor.isolation.printed_lines import PrintedLines, flush_libraries
from app.xxl_job.executor.isolation.settings_transfer import SETTINGS, ParentSource, unpack_settings
from app.xxl_job.executor.pyxxl_base import pyxxl_globals


class NoRunLog(MemoryRunLog):
    """Lines go to the executor, and it knows the run's log."""

    def write(self, text: str) -> None:
        return None


class Seat:
    """Receives the events of its run, from any thread."""

    def __init__(
        self,
        runtime: Runtime,
        registry: JobRegistry,
        source: ParentSource,
        send: Send,
        printed: Sequence[PrintedLines] = (),
    ) -> None:
        self._runtime = runtime
        self._registry = registry
        self._source = source
        self._send = send
        self._printed = printed
        self._loop = asyncio.get_running_loop()
        self._frames: asyncio.Queue[Frame] = asyncio.Queue()
        self._chain = RunChain((trace_link(runtime, _no_log, announce=False), pyxxl_globals), (), self, _no_log)
        self._runner = JobRunner(self._loop, self._chain)
        self._run: Run | None = None
        self._settled: Frame = {}
        self._is_stopped = False
        self._unapplied = 0
        """Settings that have arrived and are not in force yet: a run behind them waits for them."""
        self._lock = threading.Lock()
        self._limits = ExitStack()
        self._memory_mb: int | None = None
        self._is_unfit = False

    def take(self, frame: Frame) -> None:
        """Called in the thread that listens: a stop doesn't wait behind anything."""
        if frame["kind"] == messages.STOP:
            self._stop()
            return
        if frame["kind"] == messages.RUN:
            self._is_stopped = False
            if not self._unapplied and not self._is_unfit:
                self._start(frame)
                return
        elif frame["kind"] == SETTINGS:
            self._count_unapplied(1)
        self._loop.call_soon_threadsafe(self._frames.put_nowait, frame)

    async def serve(self) -> None:
        """Returns when the executor closes this child, or settings came that it can't work with."""
        while not (self._is_unfit and self._run is None):
            frame = await self._frames.get()
            kind = frame["kind"]
            if kind == messages.RUN and not self._is_unfit:
                self._start(frame)
            elif kind == SETTINGS:
                await self._apply(frame)
                self._count_unapplied(-1)
            elif kind == messages.CLOSE:
                return

    async def _apply(self, frame: Frame) -> None:
        """A child that can't follow its parent's settings makes room for one that starts with them."""
        register_secrets(frame["secrets"])
        self._source.documents = unpack_settings(frame)
        result = await self._runtime.settings.apply(self._source.documents, Trigger.PUSH)
        self._is_unfit = result.outcome not in {Outcome.APPLIED, Outcome.UNCHANGED}

    def _count_unapplied(self, step: int) -> None:
        with self._lock:
            self._unapplied += step

    def _start(self, frame: Frame) -> None:
        self._send({"kind": messages.BEGUN})  # from here on its end is the run's end
        definition = self._registry.find(frame["record"]["handler"])
        if definition is None:
            error = NotFoundError(
                "the child process doesn't know this job: its module is in no package of the settings"
            )
            settled = {"kind": messages.SETTLED, "text": "", "failure": pack_failure(error)}
            self._send(settled, {"kind": messages.ENDED})
            return
        run = messages.unpack_run(frame, definition)
        with self._lock:
            self._run = run
            is_stopped = self._is_stopped
        if is_stopped:  # while it waited behind settings
            self._chain.settle(run, killed(""))
        self._memory_mb = frame["memory_mb"]
        self._limits.enter_context(limited(frame["memory_mb"], frame["cpu_seconds"]))
        self._runner.start(run)

    def _stop(self) -> None:
        with self._lock:
            self._is_stopped = True
            run = self._run
        if run is not None:
            self._chain.settle(run, killed(""))  # the executor knows the outcome already
            self._runner.stop(run)

    def started(self, run: Run) -> None:
        return None

    def settled(self, run: Run) -> None:
        if run.result is not None:
            self._settled = self._settled_frame(run.result)

    def ended(self, run: Run) -> None:
        self._run = None
        self._limits.close()
        for stream in self._printed:
            stream.end_lines()
        flush_libraries()
        self._send(self._settled, {"kind": messages.ENDED})
        if self._is_unfit:
            self._loop.call_soon_threadsafe(self._frames.put_nowait, {"kind": messages.CLOSE})

    def _settled_frame(self, result: RunResult) -> dict[str, Any]:
        failure = None if result.exception is None else pack_failure(result.exception)
        if failure is not None and isinstance(result.exception, MemoryError) and self._memory_mb is not None:
            failure["message"] = f"the run needed more than memory_mb={self._memory_mb}"
        return {"kind": messages.SETTLED, "text": result.message, "failure": failure}


def _no_log(_record: RunRecord) -> NoRunLog:
    return NoRunLog()
