"""Under load one thread writes the first moments of all job logs: making a file costs more than a short run."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from app.common.context import start_apart
from app.common.pace import Pace

BRISK_RUNS_PER_SECOND: Final = 200.0
HELD_SECONDS: Final = 0.02
MOST_HELD: Final = 2000
HEALTHY_SECONDS: Final = 1.0
"""Lines are held only while the folder was written without a failure this recently: a run's callback tells of one."""


class Held(Protocol):
    """A log whose lines are held."""

    def write_held(self) -> None:
        """Writes them, and closes the file if it was to be closed meanwhile. Never raises."""
        ...


class LogShelf:
    """Callable from any thread. Its thread starts with the first log that is held."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._pace = Pace(BRISK_RUNS_PER_SECOND, now)
        self._healthy_until = 0.0
        self._held: deque[Held] = deque()
        self._filled = threading.Event()
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._thread: threading.Thread | None = None

    def may_hold(self) -> bool:
        """Asked once for each log that is opened."""
        self._pace.count()
        is_well = self._now() < self._healthy_until and not self._closing.is_set()
        return is_well and self._pace.is_brisk and len(self._held) < MOST_HELD

    def report(self, failure: str | None) -> None:
        """How the writing of a log went."""
        self._healthy_until = 0.0 if failure else self._now() + HEALTHY_SECONDS

    def put(self, log: Held) -> None:
        """Has it written within moments."""
        self._held.append(log)
        if not self._filled.is_set():
            self._filled.set()
            self._start()

    def flush(self) -> None:
        """What is held at present is written when this returns, whichever thread does it."""
        with self._writing:
            for _ in range(len(self._held)):
                self._held.popleft().write_held()

    def close(self) -> None:
        """Ends the thread. Everything is written; what comes later isn't held."""
        self._closing.set()
        self._filled.set()
        if self._thread is not None:
            self._thread.join()
        self.flush()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._run, name="job-logs", daemon=True)
                start_apart(self._thread)

    def _run(self) -> None:
        while not self._closing.is_set():
            self._filled.wait()
            self._closing.wait(HELD_SECONDS)
            self._filled.clear()
            self.flush()
