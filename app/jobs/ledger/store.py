"""The ledger's statements: one for many rows of a kind.

Each step of a statement gives the interpreter's lock away and must win it back from a busy event loop; so rows are
bound together, and a number of rows that has no statement yet is filled up with empty rows, which change nothing.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Final

from app.jobs.ledger.base import KEPT_PARAMETER, Acceptance, LedgerUnavailable
from app.jobs.ledger.columns import CHANGING, COLUMNS, Row, accepted_row, changed_row, record_of, storable
from app.jobs.ledger.writes import Batch
from app.jobs.record import RunRecord

NEW: Final = Acceptance()
MOST_ROWS: Final = 64
"""In one statement. With the sizes below it, all powers of two, seven statements of a kind are kept prepared."""

_NOT_KEPT: Final = Acceptance(error=LedgerUnavailable("the run ledger did not keep the run"))
_ALL: Final = ", ".join(COLUMNS)
_SET: Final = ", ".join(f"{name} = new.column{place}" for place, name in enumerate(CHANGING, 2))
_OUTCOME: Final = f"new.column{2 + CHANGING.index('outcome')}"

REPORT: Final = """
    UPDATE runs SET state = 'reported'
    WHERE run_id IN (SELECT value FROM json_each(?)) AND state = 'done'"""
WITHDRAW: Final = "DELETE FROM runs WHERE sequence IN (SELECT value FROM json_each(?))"
KNOWN: Final = f"SELECT {_ALL} FROM runs WHERE run_id IN (SELECT value FROM json_each(?))"  # noqa: S608 - constants
EXPIRE: Final = """
    DELETE FROM runs WHERE sequence IN (
        SELECT sequence FROM runs WHERE state = 'reported' AND accepted_at < ? ORDER BY accepted_at LIMIT ?)"""


@cache
def insert_of(count: int) -> str:
    """OR IGNORE passes over runs that are known, and over empty rows."""
    return f"INSERT OR IGNORE INTO runs ({_ALL}) VALUES {_places(len(COLUMNS), count)}"  # noqa: S608 - constants


@cache
def update_of(count: int) -> str:
    return f"""
        UPDATE runs SET {_SET},
            param = CASE WHEN {_OUTCOME} IS NULL THEN param ELSE substr(param, 1, {KEPT_PARAMETER}) END
        FROM (VALUES {_places(1 + len(CHANGING), count)}) AS new
        WHERE runs.run_id = new.column1 AND runs.outcome IS NULL"""  # noqa: S608 - constants


def _places(columns: int, count: int) -> str:
    row = f"({', '.join('?' * columns)})"
    return ", ".join([row] * count)


def filled_up(rows: Sequence[Row]) -> Iterator[tuple[int, tuple[object, ...]]]:
    """The rows in portions whose size is a power of two, and their values in one line."""
    for start in range(0, len(rows), MOST_ROWS):
        portion = rows[start : start + MOST_ROWS]
        count = 1 << (len(portion) - 1).bit_length()
        empty = (None,) * ((count - len(portion)) * len(portion[0]))
        yield count, (*chain.from_iterable(portion), *empty)


class LedgerStore:
    """Owned by the writer's thread. Every method raises sqlite3.Error and has changed nothing then."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        (self._sequence,) = connection.execute("SELECT coalesce(max(sequence), 0) FROM runs").fetchone()

    def write(self, batch: Batch) -> list[Acceptance]:
        """Stores all of it at once; what to answer to each of its new runs."""
        if batch.is_one_statement(MOST_ROWS):
            return self._write(batch)
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            answers = self._write(batch)
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        return answers

    def expire(self, before: int, most: int) -> int:
        """Deletes up to `most` of the oldest reported runs accepted before, in microseconds since the epoch."""
        return self._connection.execute(EXPIRE, (before, most)).rowcount

    def shrink(self, pages: int) -> int:
        """Gives unused pages back to the file system while they are a quarter of the file; returns how many."""
        unused = self._pragma("freelist_count")
        if unused * 4 <= self._pragma("page_count"):
            return 0
        self._connection.execute(f"PRAGMA incremental_vacuum({pages})").fetchall()
        return unused - self._pragma("freelist_count")

    def used_bytes(self) -> int:
        """What rows and indexes take, without pages that are free for new ones."""
        return (self._pragma("page_count") - self._pragma("freelist_count")) * self._pragma("page_size")

    def close(self) -> None:
        self._connection.close()

    def _pragma(self, name: str) -> int:
        return int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])

    def _write(self, batch: Batch) -> list[Acceptance]:
        answers = self._insert(batch) if batch.accepts else []
        changed = [changed_row(record) for record in batch.updates.values()]
        for count, values in filled_up(changed):
            self._connection.execute(update_of(count), values)
        if batch.reports:
            self._connection.execute(REPORT, (_text([storable(run_id) for run_id in batch.reports]),))
        if batch.withdrawals:
            self._connection.execute(WITHDRAW, (_text([accept.sequence for accept in batch.withdrawals]),))
        return answers

    def _insert(self, batch: Batch) -> list[Acceptance]:
        for number, accept in enumerate(batch.accepts, self._sequence + 1):
            accept.sequence = number
        self._sequence += len(batch.accepts)
        rows = [accepted_row(accept.record, accept.sequence) for accept in batch.accepts]
        inserted = [self._connection.execute(insert_of(count), values).rowcount for count, values in filled_up(rows)]
        if sum(inserted) == len(rows):
            return [NEW] * len(rows)
        kept = {record.run_id: record for record in self._find([row[1] for row in rows])}
        return [_answer(kept.get(row[1]), row[0]) for row in rows]

    def _find(self, run_ids: Sequence[str]) -> list[RunRecord]:
        return [record_of(row) for row in self._connection.execute(KNOWN, (_text(run_ids),)).fetchall()]


def _answer(kept: RunRecord | None, sequence: int) -> Acceptance:
    if kept is None:
        return _NOT_KEPT
    return NEW if kept.sequence == sequence else Acceptance(kept)


def _text(values: Sequence[int | str]) -> str:
    return json.dumps(values, ensure_ascii=False)
