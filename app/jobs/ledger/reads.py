"""The ledger's questions."""

import sqlite3
import threading
from collections.abc import Sequence
from typing import Any, Final

from app.jobs.ledger.base import RunQuery
from app.jobs.ledger.columns import COLUMNS, Row, record_of, storable
from app.jobs.record import FINISHED, RunOutcome, RunRecord, RunState

_RUNS: Final = f"SELECT {', '.join(COLUMNS)} FROM runs"  # noqa: S608 - constants
FIND: Final = f"{_RUNS} WHERE run_id = ?"
UNREPORTED: Final = f"{_RUNS} WHERE state = 'done' AND sequence > ? ORDER BY sequence LIMIT ?"
UNFINISHED: Final = f"{_RUNS} WHERE outcome IS NULL ORDER BY sequence"


def newest(query: RunQuery) -> tuple[str, list[Any]]:
    """The statement of a listing, and its values."""
    values: list[Any] = []
    terms: list[str] = []
    for column, operator, value in (
        ("sequence", "<", query.before),
        ("handler", "=", query.handler and storable(query.handler)),
        ("job_id", "=", query.job_id),
        ("log_id", "=", query.log_id),
    ):
        if value is not None:
            terms.append(f"{column} {operator} ?")
            values.append(value)
    for column, wanted in (("state", sorted(query.states)), ("outcome", sorted(query.outcomes))):
        if wanted:
            terms.append(f"{column} IN ({', '.join('?' * len(wanted))})")
            values.extend(wanted)
    terms.extend(_terms_of_indexes(query))
    where = f" WHERE {' AND '.join(terms)}" if terms else ""
    return f"{_RUNS}{where} ORDER BY sequence DESC LIMIT ?", [*values, query.limit]


def _terms_of_indexes(query: RunQuery) -> list[str]:
    """What the filters imply, in the words of the partial indexes: SQLite doesn't draw that conclusion itself."""
    terms = []
    if query.states == {RunState.DONE}:
        terms.append("state = 'done'")
    elif query.states and not query.states & FINISHED:
        terms.append("outcome IS NULL")
    if query.outcomes and RunOutcome.SUCCESS not in query.outcomes:
        terms.append("outcome <> 'success'")
    return terms


class LedgerReader:
    """Reads the file over a connection of its own, from any thread. Sees everything committed."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def find(self, run_id: str) -> RunRecord | None:
        rows = self._rows(FIND, (storable(run_id),))
        return record_of(rows[0]) if rows else None

    def list_runs(self, query: RunQuery) -> list[RunRecord]:
        return [record_of(row) for row in self._rows(*newest(query))]

    def list_unreported(self, limit: int, after: int) -> list[RunRecord]:
        return [record_of(row) for row in self._rows(UNREPORTED, (after, limit))]

    def list_unfinished(self) -> list[RunRecord]:
        return [record_of(row) for row in self._rows(UNFINISHED, ())]

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _rows(self, statement: str, values: Sequence[Any]) -> list[Row]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()
