"""Writes that wait to be stored, by run: what a reader of the file doesn't see yet."""

import threading
from collections.abc import Iterable

from app.jobs.ledger.writes import Accept, Report, Update, Withdraw, Write, after
from app.jobs.record import RunRecord


class WaitingWrites:
    """From any thread. New runs are not among them: nobody was told that they were kept."""

    def __init__(self) -> None:
        self._by_run: dict[str, list[Write]] = {}
        self._revocable: dict[str, Accept] = {}
        self._lock = threading.Lock()

    def begin(self, accept: Accept) -> None:
        """From now on this is what a withdrawal of the run undoes, until the run is updated."""
        with self._lock:
            self._revocable[accept.record.run_id] = accept

    def was_not_new(self, accept: Accept) -> None:
        """It changed nothing, so there is nothing to undo."""
        with self._lock:
            if self._revocable.get(accept.record.run_id) is accept:
                del self._revocable[accept.record.run_id]

    def revoke(self, run_id: str) -> Withdraw | None:
        """What undoes the latest acceptance of the run, added to what waits."""
        with self._lock:
            accept = self._revocable.pop(run_id, None)
            if accept is None:
                return None
            write = Withdraw(accept)
            self._append(write)
            return write

    def add(self, write: Update | Report) -> None:
        with self._lock:
            if isinstance(write, Update):
                self._revocable.pop(write.record.run_id, None)
            self._append(write)

    def remove(self, writes: Iterable[Write]) -> None:
        """Stored, in the order they were added."""
        with self._lock:
            for write in writes:
                if not isinstance(write, Accept):
                    self._forget(write)

    def of(self, run_id: str) -> tuple[Write, ...]:
        """Ask before the file is read: between the two a write may be stored, and then it is seen twice, not never."""
        with self._lock:
            return tuple(self._by_run.get(run_id, ()))

    def copy(self) -> dict[str, tuple[Write, ...]]:
        """All of them; as with `of`, before the file is read."""
        with self._lock:
            return {run_id: tuple(writes) for run_id, writes in self._by_run.items()}

    def _append(self, write: Write) -> None:
        for run_id in write.runs:
            writes = self._by_run.get(run_id)
            if writes is None:
                self._by_run[run_id] = [write]
            else:
                writes.append(write)

    def _forget(self, write: Write) -> None:
        for run_id in write.runs:
            writes = self._by_run.get(run_id)
            if writes and writes[0] is write:
                if len(writes) == 1:
                    del self._by_run[run_id]
                else:
                    del writes[0]


def applied(record: RunRecord | None, writes: Iterable[Write]) -> RunRecord | None:
    """The record once the writes have taken effect."""
    for write in writes:
        record = after(record, write)
    return record
