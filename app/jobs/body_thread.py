"""The body that is a plain function: a thread of its own, so that no pool can be starved by others."""

import inspect
import threading
from typing import Any

from app.jobs.chain import RunChain
from app.jobs.executions import Executions
from app.jobs.result import failed, succeeded
from app.jobs.retry import begin_next, pause_before_next
from app.jobs.run import Run


class ThreadBody:
    """Can't be ended from outside: the function asks `ctx.should_stop()`."""

    def __init__(self, chain: RunChain, executions: Executions | None = None) -> None:
        self._chain = chain
        self._executions = executions or Executions()

    def start(self, run: Run) -> None:
        name = f"job-{run.record.handler}-{run.record.log_id}"
        thread = threading.Thread(target=self._run, args=(run,), name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the system gives no more threads
            self._chain.settle(run, failed(error))
            self._chain.events.ended(run)

    def stop(self, run: Run) -> None:
        """`run.stop_event` says it all."""

    def _run(self, run: Run) -> None:
        self._executions.began(run)
        try:
            if run.result is None:
                self._call(run)
        finally:
            self._executions.ended(run)
            self._chain.events.ended(run)

    def _call(self, run: Run) -> None:
        with self._chain.around(run) as may_run:
            if may_run:
                self._chain.settle(run, succeeded(_value_of(run)))


def _value_of(run: Run) -> Any:
    """What the function returns, at its last attempt; a kill or timeout ends the pause between two at once."""
    while True:
        try:
            return _not_awaitable(run.definition.function(*run.arguments()))
        except run.definition.options.retry.only as error:
            pause = pause_before_next(run, error)
            if pause is None or run.stop_event.wait(pause):
                raise
        begin_next(run)


def _not_awaitable(value: Any) -> Any:
    if inspect.iscoroutine(value):
        value.close()
        raise TypeError("the job returned a coroutine: write it as `async def`, or let its decorator be async")
    return value
