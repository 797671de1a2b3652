"""The one thread that writes log lines: callers only append to a queue, so that no request waits for a disk.

A line is in the file within the flush interval (50 ms): that is what a kill -9 can cost. A clean exit costs nothing.
"""

import os
import threading
import weakref
from collections import deque
from collections.abc import Callable
from typing import Final

from app.common.log_outlet import Outlet
from app.common.log_retention import Housekeeping

FLUSH_SECONDS: Final = 0.05
CAPACITY: Final = 20_000
_IDLE_SECONDS: Final = 30.0

Line = str | Callable[[], str]
"""A line with its newline, or what renders it on the writer's thread; that must not raise."""


class LineWriter:
    """Batches lines from any thread to an outlet; tidies old days when there is nothing else to do."""

    def __init__(
        self,
        outlet: Outlet,
        housekeeping: Housekeeping | None = None,
        *,
        capacity: int = CAPACITY,
        flush_seconds: float = FLUSH_SECONDS,
    ) -> None:
        self._outlet = outlet
        self._housekeeping = housekeeping
        self._capacity = capacity
        self._flush_seconds = flush_seconds
        self._lines: deque[Line | threading.Event] = deque()
        self._dropped = 0
        self._dropped_before = 0
        self._dropped_told = 0
        self._closing = False
        self._make_locks()
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)

    def _make_locks(self) -> None:
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._drop_lock = threading.Lock()
        self._write_lock = threading.Lock()

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()
        os.register_at_fork(after_in_child=_forked(weakref.ref(self)))

    @property
    def lines_dropped(self) -> int:
        """Lines that a full queue refused, or that reached neither file nor console."""
        return self._dropped + self._outlet.lines_lost

    def put(self, line: Line) -> None:
        """Queues a line with its newline, or what renders it. Never waits; a full queue drops and counts it."""
        waiting = len(self._lines)
        if waiting >= self._capacity:
            with self._drop_lock:
                self._dropped += 1
            return
        if waiting == self._capacity // 2:
            self._hurry.set()
        self._lines.append(line)
        if self._closing:
            self._write_batch()
        elif not self._wake.is_set():
            self._wake.set()

    def flush(self, timeout_seconds: float = 2.0) -> bool:
        """Waits until every line that was put before is written; False if that takes too long."""
        if self._closing:
            self._write_batch()
            return True
        done = threading.Event()
        self._lines.append(done)
        self._hurry.set()
        self._wake.set()
        return done.wait(timeout_seconds)

    def close(self) -> None:
        """Writes what is queued and ends the thread. A line put afterwards is written by who puts it."""
        if self._closing:
            return
        self._closing = True
        self._hurry.set()
        self._wake.set()
        self._thread.join()
        self._write_batch()
        self._outlet.close()

    def _run(self) -> None:
        chores_left = self._housekeeping is not None
        while not self._closing:
            self._wake.wait(0.0 if chores_left else self._pause_seconds())
            self._wake.clear()
            if self._lines and not chores_left:
                self._hurry.wait(self._flush_seconds)
            self._hurry.clear()
            self._write_batch()
            chores_left = self._housekeeping is not None and self._housekeeping.step()
        if self._housekeeping is not None:
            self._housekeeping.close()

    def _pause_seconds(self) -> float:
        is_behind = self._outlet.console.has_backlog or self._dropped != self._dropped_told
        return self._flush_seconds if is_behind else _IDLE_SECONDS

    def _write_batch(self) -> None:
        with self._write_lock:
            items = [self._lines.popleft() for _ in range(len(self._lines))]
            lines = [
                item if isinstance(item, str) else item() for item in items if not isinstance(item, threading.Event)
            ]
            if lines:
                self._outlet.write(lines)
            self._outlet.pump()
            self._tell_dropped()
        for item in items:
            if isinstance(item, threading.Event):
                item.set()

    def _tell_dropped(self) -> None:
        """One warning once no more lines are dropped, with the count."""
        dropped = self._dropped
        if dropped != self._dropped_told and dropped == self._dropped_before:
            self._outlet.warn("log lines dropped", lines=dropped - self._dropped_told)
            self._dropped_told = dropped
        self._dropped_before = dropped

    def continue_in_child(self) -> None:
        """A forked child has no such thread: it writes at once, and leaves what was queued to its parent."""
        self._make_locks()
        self._lines.clear()
        self._outlet.console.forget_backlog()
        self._closing = True


def _forked(reference: "weakref.ref[LineWriter]") -> Callable[[], None]:
    def continue_in_child() -> None:
        writer = reference()
        if writer is not None:
            writer.continue_in_child()

    return continue_in_child
