"""The body that is a child process: links, observers and outcome are here, the function runs there."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import Final

from app.common.supervision import failure_of_call
from app.jobs.body_thread import ThreadBody
from app.jobs.chain import RunChain
from app.jobs.result import failed
from app.jobs.run import Run
from app.runtime import Runtime
from app.xxl_job.executor.isolation.failures import WorkerUnfit, result_of
from app.xxl_job.executor.isolation.messages import pack_opening, pack_run
from app.xxl_job.executor.isolation.pool import NoWorker, WorkerPool
from app.xxl_job.executor.isolation.settings_transfer import SettingsFrames
from app.xxl_job.executor.isolation.worker import GRACE_SECONDS, Worker, WorkerParts

_MOST_UNFIT: Final = 3
_CLOSE_SECONDS: Final = 5.0


class IsolatedBody(ThreadBody):
    """Here a run is a thread that waits for its child. It begins when there is a worker for it."""

    def __init__(self, chain: RunChain, pool: WorkerPool) -> None:
        super().__init__(chain)
        self._pool = pool
        self._held: dict[Run, Worker] = {}

    def start(self, run: Run) -> None:
        self._pool.request(run, partial(self._begin, run))

    def stop(self, run: Run) -> None:
        """The child is asked, and killed when it doesn't end in time."""
        if self._pool.cancel(run):
            return
        worker = self._held.get(run)
        if worker is not None:
            worker.stop()

    def close(self) -> None:
        """Ends the children; waits for them."""
        self._pool.close(_CLOSE_SECONDS)

    def _begin(self, run: Run, found: Worker | NoWorker) -> None:
        if isinstance(found, NoWorker):
            self._leave(run, found)
            return
        self._held[run] = found
        run.definition = replace(
            run.definition, function=partial(self._execute, run), is_async=False, takes_context=False
        )
        thread = threading.Thread(target=self._run, args=(run,), name=f"isolated-{run.record.log_id}", daemon=True)
        if error := failure_of_call(thread.start):  # the system gives no more threads
            self._give_back(run)
            self._leave(run, error)

    def _leave(self, run: Run, error: Exception) -> None:
        self._chain.settle(run, failed(error))
        self._chain.events.ended(run)

    def _run(self, run: Run) -> None:
        try:
            super()._run(run)
        finally:
            self._give_back(run)

    def _execute(self, run: Run) -> str:
        """One attempt. A worker that ends before the run began in it says nothing about the run: another takes it."""
        for _ in range(_MOST_UNFIT):
            worker = self._held.get(run) or self._take(run)
            try:
                frame = worker.execute(pack_run(run), live=run.definition.live, is_stopped=run.stop_event.is_set)
            except WorkerUnfit:
                continue
            finally:
                self._give_back(run)
            return result_of(frame)
        raise NoWorker("child processes end before the run begins in them")

    def _take(self, run: Run) -> Worker:
        """Waits for a worker in the midst of the run: for a further attempt, or when the first one was unfit."""
        answer: Future[Worker | NoWorker] = Future()
        self._pool.request(run, answer.set_result)
        found = answer.result()
        if isinstance(found, NoWorker):
            raise found
        self._held[run] = found
        return found

    def _give_back(self, run: Run) -> None:
        worker = self._held.pop(run, None)
        if worker is not None:
            self._pool.release(worker)


def open_isolated_body(
    chain: RunChain,
    runtime: Runtime,
    packages: tuple[str, ...],
    size: Callable[[], int],
    grace_seconds: float = GRACE_SECONDS,
) -> IsolatedBody:
    """Opens nothing yet: the first run does. `packages`: where the child finds the jobs."""
    parts = WorkerParts(
        opening=lambda: pack_opening(runtime.environment, runtime.instance, packages),
        settings=SettingsFrames(runtime.settings),
        alerts=runtime.alerts,
        grace_seconds=grace_seconds,
    )
    return IsolatedBody(chain, WorkerPool(partial(Worker, parts), size))
