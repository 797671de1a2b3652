"""What stands around every handler: composed functions, outermost first.

A link surrounds the body, whether that is a coroutine or a plain function in its thread. An observer is told once,
inside the run's trace, when the result is fixed; that may be before the body ends, when the run is killed or timed out.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager

from app.common.context import bound
from app.common.supervision import failure_of_call
from app.jobs.links import alert_result, begin_link, count_result, log_result, logged, trace_link
from app.jobs.result import RunResult, failed
from app.jobs.run import Run, RunEvents
from app.jobs.run_log import OpenRunLog, run_log_var
from app.runtime import Runtime

Link = Callable[[Run], AbstractContextManager[None]]
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

    @contextmanager
    def around(self, run: Run) -> Iterator[bool]:
        """Surrounds the body and says whether it may run. Whatever the body raises becomes the run's result."""
        with self._outcome(run), ExitStack() as stack:
            problem = failure_of_call(lambda: self._enter(stack, run)) or run.bad_parameter
            if problem is not None:
                self.settle(run, failed(problem))
                yield False
                return
            with self._outcome(run):
                yield True

    def _enter(self, stack: ExitStack, run: Run) -> None:
        for link in self.links:
            stack.enter_context(link(run))

    @contextmanager
    def _outcome(self, run: Run) -> Iterator[None]:
        """Innermost it maps what the handler raised; outermost, what a link raised."""
        try:
            yield
        except BaseException as error:  # noqa: BLE001 - SystemExit too ends the run, never the process
            self.settle(run, failed(error))

    def settle(self, run: Run, result: RunResult) -> bool:
        """Fixes the result and tells the observers, unless the result was fixed before."""
        if not run.fix(result):
            return False
        log = run.log or self._open_log(run.record)
        token = run_log_var.set(log)
        try:
            with bound(run.record.trace_id, snapshot=run.context and run.context.snapshot, run=run.context):
                for observe in self.observers:
                    observe(run, result)
        finally:
            run_log_var.reset(token)
            if log is not run.log:
                log.close()
            self.events.settled(run)
        return True


def build_chain(
    runtime: Runtime, events: RunEvents, open_log: OpenRunLog, extra_links: Sequence[Link] = ()
) -> RunChain:
    """Trace and log around the handler; then log, metrics and alert of its result. `events` keeps the record."""
    return RunChain(
        links=(trace_link(runtime, open_log), logged, begin_link(events.started), *extra_links),
        observers=(log_result, count_result, alert_result(runtime)),
        events=events,
        open_log=open_log,
    )
