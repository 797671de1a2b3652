"""The run ledger in a SQLite file."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from app.common.logger import log
from app.jobs.ledger.base import Acceptance, RunQuery
from app.jobs.ledger.columns import microseconds
from app.jobs.ledger.outage import FIRST_SECONDS, Outage, unavailable
from app.jobs.ledger.reads import LedgerReader
from app.jobs.ledger.schema import connect, open_for_writing
from app.jobs.ledger.store import LedgerStore
from app.jobs.ledger.upkeep import CHECKPOINT_ROWS, MEASURE_ROWS, Checkpointer, Fullness, RowCount
from app.jobs.ledger.waiting import WaitingWrites, applied
from app.jobs.ledger.writer import Chore, LedgerWriter
from app.jobs.ledger.writes import Accept, Report, Update, Write
from app.jobs.record import FINISHED, RunRecord, RunState

DEFAULT_MAX_BYTES: Final = 1024 * 1024 * 1024
EXPIRED_AT_ONCE: Final = 500
SHRUNK_AT_ONCE: Final = 256
LAST_MOMENT: Final = 2**62


class SqliteRunLedger:
    """One process writes the file; others may read it meanwhile.

    Kept means: survives the death of the process however it comes; with `fsync` a power failure too.
    """

    def __init__(
        self,
        path: Path,
        *,
        fsync: bool = False,
        max_bytes: int = DEFAULT_MAX_BYTES,
        retry_seconds: float = FIRST_SECONDS,
    ) -> None:
        """Opens the file, making it if absent. Raises StartupError with what to do if it can't be used."""
        self._store = LedgerStore(open_for_writing(path, fsync=fsync))
        self._reader = LedgerReader(connect(path))
        self._checkpointer = Checkpointer(connect(path, fsync=fsync))
        self._waiting = WaitingWrites()
        self._fullness = Fullness(max_bytes)
        self._until_measure, self._until_checkpoint = RowCount(MEASURE_ROWS), RowCount(CHECKPOINT_ROWS)
        self._told_tight = False
        self._measure()
        self._writer = LedgerWriter(self._store, self._waiting, self._after_rows, Outage(retry_seconds))

    def accept(self, record: RunRecord, answer: Callable[[Acceptance], None]) -> None:
        refusal = self._writer.refusal
        if refusal is not None:
            answer(Acceptance(error=unavailable(refusal)))
            return
        write = Accept(record, answer)
        self._waiting.begin(write)
        self._writer.put(write)

    def withdraw(self, run_id: str) -> None:
        write = self._waiting.revoke(run_id)
        if write is not None:
            self._writer.put(write)

    def update(self, record: RunRecord, stored: Callable[[], None] | None = None) -> None:
        self._put(Update(record, stored))

    def mark_reported(self, run_ids: Sequence[str]) -> None:
        self._put(Report(tuple(run_ids)))

    def find(self, run_id: str) -> RunRecord | None:
        """Outcomes that wait to be stored are seen, too."""
        waiting = self._waiting.of(run_id)
        return applied(self._reader.find(run_id), waiting)

    def list_runs(self, query: RunQuery) -> list[RunRecord]:
        waiting = self._waiting.copy()
        return _overlaid(self._reader.list_runs(query), waiting)

    def list_unreported(self, limit: int, after: int = 0) -> list[RunRecord]:
        waiting = self._waiting.copy()
        while page := self._reader.list_unreported(limit, after):
            found = [one for one in _overlaid(page, waiting) if one.state is RunState.DONE]
            if found:
                return found
            after = page[-1].sequence
        return []

    def list_unfinished(self) -> list[RunRecord]:
        waiting = self._waiting.copy()
        return [one for one in _overlaid(self._reader.list_unfinished(), waiting) if one.state not in FINISHED]

    @property
    def is_full(self) -> bool:
        return self._fullness.is_full

    def limit(self, max_bytes: int) -> None:
        """Another bound from now on."""
        self._fullness.limit(max_bytes)
        if self._fullness.is_full:
            self._writer.put(Chore(self._make_room))

    def expire(self, before: datetime) -> int:
        """In small steps between which runs are accepted; what it frees goes back to the file system.

        Raises LedgerUnavailable while the file can't be written.
        """
        moment, expired, step = microseconds(before) or 0, 0, EXPIRED_AT_ONCE
        while step == EXPIRED_AT_ONCE:
            step = self._do(partial(self._store.expire, moment, EXPIRED_AT_ONCE))
            expired += step
        self._do(self._measure)
        while step := self._do(self._make_room):
            expired += step
        while self._do(partial(self._store.shrink, SHRUNK_AT_ONCE)):
            pass
        self._do(self._measure)
        self._checkpointer.nudge()
        return expired

    def close(self) -> None:
        self._writer.close()
        self._checkpointer.close()
        self._reader.close()
        self._store.close()

    def _put(self, write: Update | Report) -> None:
        self._waiting.add(write)
        self._writer.put(write)

    def _do(self, work: Callable[[], int]) -> int:
        if self._writer.refusal is not None:
            raise unavailable(self._writer.refusal)
        chore = Chore(work)
        self._writer.put(chore)
        return chore.result.result()

    def _after_rows(self, rows: int) -> None:
        if self._until_measure.reached(rows):
            self._measure()
            self._make_room()
        if self._until_checkpoint.reached(rows):
            self._checkpointer.nudge()

    def _make_room(self) -> int:
        """Rather than refuse new runs, forgets the oldest reported ones before their time."""
        if not self._fullness.is_tight:
            return 0
        forgotten = self._store.expire(LAST_MOMENT, EXPIRED_AT_ONCE)
        if forgotten and not self._told_tight:
            self._told_tight = True
            log.warning("run ledger reaches its bound: the oldest reported runs are forgotten before their time")
        self._measure()
        return forgotten

    def _measure(self) -> int:
        used = self._store.used_bytes()
        self._fullness.measured(used)
        return used


def _overlaid(records: Iterable[RunRecord], waiting: dict[str, tuple[Write, ...]]) -> list[RunRecord]:
    if not waiting:
        return list(records)
    later = (applied(record, waiting.get(record.run_id, ())) for record in records)
    return [record for record in later if record is not None]
