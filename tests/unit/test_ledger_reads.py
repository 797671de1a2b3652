"""No question walks through the whole file: each has its index."""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from app.jobs.ledger.base import RunQuery
from app.jobs.ledger.reads import FIND, UNFINISHED, UNREPORTED, newest
from app.jobs.ledger.schema import open_for_writing
from app.jobs.ledger.store import EXPIRE, REPORT, update_of
from app.jobs.record import RunOutcome, RunState


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    opened = open_for_writing(tmp_path / "runs.db")
    yield opened
    opened.close()


def plan(connection: sqlite3.Connection, statement: str, values: Sequence[Any]) -> str:
    return "; ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values))


@pytest.mark.parametrize(
    ("query", "way"),
    [
        (RunQuery(), "SCAN runs"),
        (RunQuery(before=5), "SEARCH runs USING INTEGER PRIMARY KEY (rowid<?)"),
        (RunQuery(handler="x"), "SEARCH runs USING INDEX runs_by_handler (handler=?)"),
        (RunQuery(handler="x", before=5), "SEARCH runs USING INDEX runs_by_handler (handler=? AND rowid<?)"),
        (RunQuery(job_id=4), "SEARCH runs USING INDEX runs_by_job (job_id=?)"),
        (RunQuery(log_id=7), "SEARCH runs USING INDEX runs_by_log (log_id=?)"),
        (RunQuery(states=frozenset({RunState.DONE})), "SCAN runs USING INDEX runs_unreported"),
        (RunQuery(states=frozenset({RunState.RUNNING})), "SCAN runs USING INDEX runs_unfinished"),
        (RunQuery(outcomes=frozenset({RunOutcome.FAILED})), "SCAN runs USING INDEX runs_unsuccessful"),
    ],
)
def test_a_listing_needs_no_sorting_and_uses_the_index_of_its_filter(
    connection: sqlite3.Connection, query: RunQuery, way: str
) -> None:
    assert plan(connection, *newest(query)) == way


@pytest.mark.parametrize(
    ("statement", "values", "way"),
    [
        (FIND, ("x",), "SEARCH runs USING INDEX sqlite_autoindex_runs_1 (run_id=?)"),
        (UNREPORTED, (0, 10), "SEARCH runs USING INDEX runs_unreported (sequence>?)"),
        (UNFINISHED, (), "SCAN runs USING INDEX runs_unfinished"),
        (REPORT, ("[]",), "SEARCH runs USING INDEX sqlite_autoindex_runs_1 (run_id=?)"),
        (update_of(2), (None,) * 16, "SEARCH runs USING INDEX sqlite_autoindex_runs_1 (run_id=?)"),
        (EXPIRE, (0, 10), "SEARCH runs USING INDEX runs_reported (accepted_at<?)"),
    ],
)
def test_what_the_executor_asks_uses_an_index(
    connection: sqlite3.Connection, statement: str, values: Sequence[Any], way: str
) -> None:
    found = plan(connection, statement, values)
    assert way in found
    assert not found.startswith("SCAN runs;")
