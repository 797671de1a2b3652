"""The body that is a coroutine: a task of its own on the main loop."""

import asyncio
from collections import deque
from contextvars import Context
from typing import Any

from app.jobs.chain import RunChain
from app.jobs.executions import Executions
from app.jobs.result import failed, succeeded
from app.jobs.retry import begin_next, pause_before_next
from app.jobs.run import Run


class CoroutineBody:
    """Ended by cancellation; one that swallows it goes on, and `events.ended` waits for it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, chain: RunChain, executions: Executions) -> None:
        self._loop = loop
        self._chain = chain
        self._executions = executions
        self._starting: deque[Run] = deque()
        self._is_woken = False
        self._tasks: dict[Run, asyncio.Task[None]] = {}

    def start(self, run: Run) -> None:
        self._starting.append(run)
        if not self._is_woken:  # one wake-up of the loop for all that come before it
            self._is_woken = True
            self._loop.call_soon_threadsafe(self._begin, context=Context())

    def stop(self, run: Run) -> None:
        self._loop.call_soon_threadsafe(self._cancel, run)

    def _begin(self) -> None:
        self._is_woken = False
        while self._starting:
            run = self._starting.popleft()
            # an empty context: nothing of the request that brought the run
            name = f"job-{run.record.handler}-{run.record.log_id}"
            task = self._loop.create_task(self._run(run), name=name, context=Context())
            self._tasks[run] = task
            self._executions.began(run)
            task.add_done_callback(lambda _, run=run: self._ended(run))  # type: ignore[misc]

    def _cancel(self, run: Run) -> None:
        task = self._tasks.get(run)
        if task is not None:
            task.cancel()

    def _ended(self, run: Run) -> None:
        self._tasks.pop(run, None)
        self._executions.ended(run)
        if run.result is None:  # cancelled before its first step, it never got to the chain
            self._chain.settle(run, failed(asyncio.CancelledError("before the run began")))
        self._chain.events.ended(run)

    async def _run(self, run: Run) -> None:
        if run.result is not None:
            return
        with self._chain.around(run) as may_run:
            if may_run:
                self._chain.settle(run, succeeded(await _value_of(run)))


async def _value_of(run: Run) -> Any:
    """What the function returns, at its last attempt."""
    while True:
        try:
            return await run.definition.function(*run.arguments())
        except run.definition.options.retry.only as error:
            pause = pause_before_next(run, error)
            if pause is None:
                raise
        await asyncio.sleep(pause)
        begin_next(run)
