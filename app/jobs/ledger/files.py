"""Ledgers of other processes, read while they write."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from app.common.errors import Unavailable
from app.jobs.ledger.base import RunQuery
from app.jobs.ledger.reads import LedgerReader
from app.jobs.ledger.schema import BUSY_SECONDS
from app.jobs.record import RunRecord, RunState


def list_runs_of(files: Sequence[Path], query: RunQuery) -> list[RunRecord]:
    """The newest runs of all files together, by the time of their acceptance. Raises Unavailable, naming the file."""
    by_run: dict[str, RunRecord] = {}
    for file in files:
        for record in _read(file, query):
            # A dead instance's outcome was handed to another, whose word on its report counts.
            if record.run_id not in by_run or record.state is not RunState.REPORTED:
                by_run[record.run_id] = record
    return sorted(by_run.values(), key=_newest_first)[: query.limit]


def _newest_first(record: RunRecord) -> tuple[float, int]:
    return -(record.accepted_at.timestamp() if record.accepted_at else 0.0), -record.log_id


def _read(file: Path, query: RunQuery) -> list[RunRecord]:
    try:
        reader = LedgerReader(_connect(file))
        try:
            return reader.list_runs(query)
        finally:
            reader.close()
    except sqlite3.Error as error:
        raise Unavailable(f"the run ledger {file} can't be read: {error}") from error


def _connect(file: Path) -> sqlite3.Connection:
    """Without a write-ahead log nobody writes: such a file is read as it is, so that no files are left beside it."""
    is_at_rest = not file.with_name(f"{file.name}-wal").exists()
    mode = "immutable=1" if is_at_rest else "mode=ro"
    uri = f"{file.resolve().as_uri()}?{mode}"
    return sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
