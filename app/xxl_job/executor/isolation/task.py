"""A run while it is in a child."""

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future

from app.xxl_job.executor.isolation.failures import WorkerDied, WorkerUnfit
from app.xxl_job.executor.isolation.frames import Frame


class Task:
    """Made by the thread that waits for the run: lines of the run are written in a copy of its context."""

    def __init__(self, request: Frame, *, live: bool) -> None:
        self.request = request
        self.live = live
        self.begun = False
        self.settled: Frame | None = None
        self.timer: threading.Timer | None = None
        self._done: Future[None] = Future()
        self._context = contextvars.copy_context()

    def call(self, work: Callable[[], None]) -> None:
        """Works as if it were the run: its trace, its log."""
        self._context.run(work)

    def result(self) -> Frame:
        """Waits for the end; what the child told. Raises WorkerDied or WorkerUnfit."""
        self._done.result()
        if self.settled is None:
            raise WorkerDied("the child process didn't tell the result")
        return self.settled

    def end(self) -> None:
        self._leave()
        self._done.set_result(None)

    def fail(self, reason: str) -> None:
        """The child is no more."""
        self._leave()
        self._done.set_exception(WorkerDied(reason) if self.begun else WorkerUnfit(reason))

    def _leave(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
