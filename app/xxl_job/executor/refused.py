"""Callbacks that were refused while others were taken: each waits for its own next attempt."""

import heapq
import itertools
from collections.abc import Callable

from app.xxl_job.executor.backoff import Backoff
from app.xxl_job.executor.callback import Callback


class RefusedCallbacks:
    """Sent one at a time, each with a growing pause of its own; never given up."""

    def __init__(self, new_backoff: Callable[[], Backoff], clock: Callable[[], float]) -> None:
        self._new_backoff = new_backoff
        self._clock = clock
        self._heap: list[tuple[float, int, Callback]] = []
        self._backoffs: dict[str, Backoff] = {}
        self._number = itertools.count()
        self._not_before = 0.0

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, callback: Callback) -> float:
        """It was refused, perhaps again; returns how long it waits now."""
        pause = self._backoffs.setdefault(callback.run_id, self._new_backoff()).next()
        heapq.heappush(self._heap, (self._clock() + pause, next(self._number), callback))
        return pause

    def forget(self, callback: Callback) -> None:
        """It was taken at last."""
        self._backoffs.pop(callback.run_id, None)

    def hold_on(self) -> None:
        """One was refused again: no other is tried for as long as the first of its pauses."""
        self._not_before = self._clock() + self._new_backoff().next()

    def release(self) -> None:
        """The reason may have gone: all are due."""
        self._not_before = 0.0
        self._heap = [(0.0, number, callback) for _, number, callback in self._heap]
        heapq.heapify(self._heap)

    @property
    def wait_seconds(self) -> float | None:
        """Until the next one is due; None when there is none."""
        if not self._heap:
            return None
        return max(0.0, max(self._heap[0][0], self._not_before) - self._clock())

    def take_due(self) -> Callback | None:
        if self.wait_seconds != 0.0:
            return None
        return heapq.heappop(self._heap)[2]
