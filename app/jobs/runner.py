"""Runs the body of a job: a coroutine on the main loop, a plain function in a thread of its own."""

import asyncio
import contextvars
import inspect
import threading
from typing import Any

from app.jobs.chain import RunChain
from app.jobs.result import failed, succeeded
from app.jobs.run import Run


class JobRunner:
    """Starts and stops bodies; callable from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, chain: RunChain) -> None:
        self._loop = loop
        self._chain = chain
        self._tasks: dict[Run, asyncio.Task[None]] = {}

    def start(self, run: Run) -> None:
        """Starts the body; `events.ended` tells when it has ended, also when it never began."""
        if run.definition.is_async:
            # an empty context: nothing of the request that brought the run
            self._loop.call_soon_threadsafe(self._spawn, run, context=contextvars.Context())
            return
        thread = threading.Thread(
            target=self._run_plain, args=(run,), name=f"job-{run.record.handler}-{run.record.log_id}", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:  # the system gives no more threads
            self._chain.settle(run, failed(error))
            self._chain.events.ended(run)

    def stop(self, run: Run) -> None:
        """Asks the body to end. The result must be fixed before: what the body makes of the request is not asked."""
        run.stop_event.set()
        if run.definition.is_async:
            self._loop.call_soon_threadsafe(self._cancel, run)

    def _spawn(self, run: Run) -> None:
        task = self._loop.create_task(self._run_async(run), name=f"job-{run.record.handler}-{run.record.log_id}")
        self._tasks[run] = task
        task.add_done_callback(lambda _: self._ended(run))

    def _cancel(self, run: Run) -> None:
        task = self._tasks.get(run)
        if task is not None:
            task.cancel()

    def _ended(self, run: Run) -> None:
        self._tasks.pop(run, None)
        # a task that is cancelled before its first step never gets to the chain
        self._chain.settle(run, failed(asyncio.CancelledError("before the run began")))
        self._chain.events.ended(run)

    async def _run_async(self, run: Run) -> None:
        if run.result is not None:
            return
        with self._chain.around(run) as may_run:
            if may_run:
                value = await run.definition.function(*_arguments(run))
                self._chain.settle(run, succeeded(value))

    def _run_plain(self, run: Run) -> None:
        try:
            if run.result is None:
                self._call(run)
        finally:
            self._chain.events.ended(run)

    def _call(self, run: Run) -> None:
        with self._chain.around(run) as may_run:
            if may_run:
                value = run.definition.function(*_arguments(run))
                self._chain.settle(run, succeeded(_not_awaitable(value)))


def _arguments(run: Run) -> tuple[Any, ...]:
    return (run.context,) if run.definition.takes_context else ()


def _not_awaitable(value: Any) -> Any:
    if inspect.iscoroutine(value):
        value.close()
        raise TypeError("the job returned a coroutine: write it as `async def`, or let its decorator be async")
    return value
