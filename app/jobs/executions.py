"""Which runs are being executed in this process, in which thread, and which were a moment ago."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from app.jobs.run import Run

MOST_RECENT: Final = 256


class Execution(NamedTuple):
    """What is known of a body without keeping its run: a run's result may hold on to anything."""

    handler: str
    job_id: int
    log_id: int
    trace_id: str
    function: Callable[..., Any]
    thread_id: int
    ended_at: float | None
    """By `time.monotonic`; None while it is being executed."""


class Executions:
    """Written by the thread that executes, read by any."""

    def __init__(self) -> None:
        self._threads: dict[Run, int] = {}
        self._recent: deque[Execution] = deque(maxlen=MOST_RECENT)

    def began(self, run: Run) -> None:
        """The body is executed in the calling thread."""
        self._threads[run] = threading.get_ident()

    def ended(self, run: Run) -> None:
        thread_id = self._threads.pop(run, None)
        if thread_id is not None:
            self._recent.append(_describe(run, thread_id, time.monotonic()))

    def list_since(self, moment: float) -> list[Execution]:
        """Those that have not ended before `moment`; of very many that have ended since, the latest."""
        present = [_describe(run, thread_id, None) for run, thread_id in self._threads.copy().items()]
        return present + [one for one in self._recent.copy() if one.ended_at is not None and one.ended_at >= moment]


def _describe(run: Run, thread_id: int, ended_at: float | None) -> Execution:
    record = run.record
    return Execution(
        record.handler, record.job_id, record.log_id, record.trace_id, run.definition.function, thread_id, ended_at
    )
