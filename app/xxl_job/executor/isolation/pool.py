"""The warm workers: made when the first run asks for one, given out in the order of asking, replaced when they die."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from app.common.context import start_apart
from app.common.errors import Unavailable
from app.common.logger import log
from app.jobs.run import Run
from app.xxl_job.executor.isolation.worker import Worker, WorkerListener


class NoWorker(Unavailable):
    """No child process can be had."""

    code = "NO_ISOLATED_WORKER"


Use = Callable[[Worker | NoWorker], None]


@dataclass(frozen=True)
class _Request:
    run: Run
    use: Use


class WorkerPool:
    """Callable from any thread. `size` is asked each time: the pool grows when it is used and shrinks as runs end."""

    def __init__(self, build: Callable[[WorkerListener], Worker], size: Callable[[], int]) -> None:
        self._build = build
        self._size = size
        self._waiting: deque[_Request] = deque()
        self._idle: list[Worker] = []
        self._starting: set[Worker] = set()
        self._all: set[Worker] = set()
        self._leaving: set[Worker] = set()
        """Closed because the pool has shrunk, and not gone yet."""
        self._lock = threading.Lock()
        self._is_closed = False

    def request(self, run: Run, use: Use) -> None:
        """Calls `use` once, now or later, with a worker that is to be given back, or with why there is none."""
        with self._lock:
            self._waiting.append(_Request(run, use))
        self._serve()

    def cancel(self, run: Run) -> bool:
        """Serves a request that waits with NoWorker; returns whether there was one."""
        with self._lock:
            found = [request for request in self._waiting if request.run is run]
            for request in found:
                self._waiting.remove(request)
        for request in found:
            request.use(NoWorker("the run was stopped while it waited for a child process"))
        return bool(found)

    def release(self, worker: Worker) -> None:
        """The worker is free for the next run; a dead one has been forgotten already."""
        with self._lock:
            surplus = worker in self._all and len(self._all) > self._size()
            if surplus:
                self._all.discard(worker)
                self._leaving.add(worker)
            elif worker in self._all and not self._is_closed:
                self._idle.append(worker)
        if surplus:
            worker.close()
        self._serve()

    def ready(self, worker: Worker) -> None:
        with self._lock:
            self._starting.discard(worker)
        self.release(worker)

    def gone(self, worker: Worker, refusal: str | None) -> None:
        """Forgets it; a replacement starts at once, so that the next run finds it warm."""
        with self._lock:
            self._starting.discard(worker)
            self._all.discard(worker)
            self._leaving.discard(worker)
            if worker in self._idle:
                self._idle.remove(worker)
            victims = [self._waiting.popleft()] if refusal and self._waiting else []
            replace = refusal is None and not self._is_closed and len(self._all) < self._size()
        if refusal:
            log.bind(reason=refusal).error("child process can't start")
        for request in victims:
            request.use(NoWorker(f"the child process can't start: {refusal}"))
        if replace:
            self._start_one()
        self._serve()

    def close(self, seconds: float) -> None:
        """Ends every child; what still waits is told so. Blocks, `seconds` at most for each that must be killed."""
        with self._lock:
            self._is_closed = True
            workers, waiting = [*self._all, *self._leaving], list(self._waiting)
            self._waiting.clear()
            self._idle.clear()
        for request in waiting:
            request.use(NoWorker("the executor is shutting down"))
        for worker in workers:
            worker.close()
        for worker in workers:
            worker.thread.join(seconds)

    def _serve(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    return
                if self._is_closed:
                    found: Worker | NoWorker = NoWorker("the executor is shutting down")
                elif self._idle:
                    found = self._idle.pop()
                else:
                    wanted = len(self._starting) < len(self._waiting) and len(self._all) < self._size()
                    break
                request = self._waiting.popleft()
            request.use(found)
        if wanted:
            self._start_one()

    def _start_one(self) -> None:
        with self._lock:
            if self._is_closed or len(self._all) >= self._size():
                return
            worker = self._build(self)
            self._all.add(worker)
            self._starting.add(worker)
        start_apart(worker.thread)
