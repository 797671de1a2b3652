"""What stands around every handler: composed functions, outermost first.

A link surrounds the body, whether that is a coroutine or a plain function in its thread. An observer is told once,
inside the run's trace, when the result is fixed; that may be before the body ends, when the run is killed or timed out.
"""

from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType

from app.common.context import bound, run_var
from app.common.log_copy import LineCopy, line_copy_var
from app.common.logger import log
from app.common.supervision import ending_of_call
from app.jobs.links import Leave, Link, alert_result, begin_link, count_result, log_result, trace_link
from app.jobs.result import RunResult, failed, noted
from app.jobs.run import Run, RunEvents
from app.jobs.run_log import OpenRunLog
from app.runtime import Runtime

Observer = Callable[[Run, RunResult], None]


class RunChain:
    """Applies the links and tells the observers; `events.settled` comes last, and comes whatever happens."""

    def __init__(
        self, links: Sequence[Link], observers: Sequence[Observer], events: RunEvents, open_log: OpenRunLog
    ) -> None:
        self.events = events
        self.links = tuple(links)
        self.observers = tuple(observers)
        self._open_log = open_log

    def around(self, run: Run) -> "Surrounding":
        """Surrounds the body, `with chain.around(run) as may_run`. Whatever the body raises becomes the run's result.

        Entered and left in one context: the same thread, or the same task.
        """
        return Surrounding(self, run)

    def settle(self, run: Run, result: RunResult) -> bool:
        """Fixes the result and tells the observers, unless the result was fixed before. Never raises."""
        run_log = run.log
        if run_log is not None and run_log.failure is not None:
            result = noted(result, f"job log not written: {run_log.failure}")
        if not run.fix(result):
            return False
        if run.context is not None and run_var.get() is run.context:
            self._tell(run, result)
        else:
            self._tell_from_outside(run, result)
        self.events.settled(run)
        return True

    def _tell_from_outside(self, run: Run, result: RunResult) -> None:
        """Stopped, or never begun: in the run's trace and log all the same."""
        token = line_copy_var.set(LineCopy(run.take_log(self._open_log).write))
        try:
            with bound(run.record.trace_id, snapshot=run.context and run.context.snapshot, run=run.context):
                self._tell(run, result)
        finally:
            line_copy_var.reset(token)
            run.give_back_log()

    def _tell(self, run: Run, result: RunResult) -> None:
        for observe in self.observers:
            if failure := ending_of_call(partial(observe, run, result)):
                log.bind(job=run.record.handler).opt(exception=failure).error("a run's observer failed")


class Surrounding:
    """The links around one body."""

    __slots__ = ("_chain", "_leaves", "_run")

    def __init__(self, chain: RunChain, run: Run) -> None:
        self._chain = chain
        self._run = run
        self._leaves: list[Leave] = []

    def __enter__(self) -> bool:
        """Whether the body may run."""
        problem = ending_of_call(self._enter) or self._run.bad_parameter
        if problem is not None:
            self._chain.settle(self._run, failed(problem))
        return self._run.result is None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        """SystemExit and cancellation too end the run, never the process."""
        if error is not None:
            self._chain.settle(self._run, failed(error))
        while self._leaves:
            if failure := ending_of_call(self._leaves.pop()):
                log.bind(job=self._run.record.handler).opt(exception=failure).error("a run's link can't be left")
        return True

    def _enter(self) -> None:
        for link in self._chain.links:
            leave = link(self._run)
            if leave is not None:
                self._leaves.append(leave)


def build_chain(
    runtime: Runtime, events: RunEvents, open_log: OpenRunLog, extra_links: Sequence[Link] = ()
) -> RunChain:
    """Trace and log around the handler; then log, metrics and alert of its result. `events` keeps the record."""
    return RunChain(
        links=(trace_link(runtime, open_log), begin_link(events.started), *extra_links),
        observers=(log_result, count_result, alert_result(runtime)),
        events=events,
        open_log=open_log,
    )
