"""The body that is a coroutine: a task of its own on the main loop."""

import asyncio
import contextvars

from app.jobs.chain import RunChain
from app.jobs.result import failed, succeeded
from app.jobs.run import Run


class CoroutineBody:
    """Ended by cancellation; one that swallows it goes on, and `events.ended` waits for it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, chain: RunChain) -> None:
        self._loop = loop
        self._chain = chain
        self._tasks: dict[Run, asyncio.Task[None]] = {}

    def start(self, run: Run) -> None:
        # an empty context: nothing of the request that brought the run
        self._loop.call_soon_threadsafe(self._spawn, run, context=contextvars.Context())

    def stop(self, run: Run) -> None:
        self._loop.call_soon_threadsafe(self._cancel, run)

    def _spawn(self, run: Run) -> None:
        task = self._loop.create_task(self._run(run), name=f"job-{run.record.handler}-{run.record.log_id}")
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

    async def _run(self, run: Run) -> None:
        if run.result is not None:
            return
        with self._chain.around(run) as may_run:
            if may_run:
                self._chain.settle(run, succeeded(await run.definition.function(*run.arguments())))
