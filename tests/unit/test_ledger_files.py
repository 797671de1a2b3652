"""Ledgers are read while their processes write, and after they are gone, without leaving a trace."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.common.errors import Unavailable
from app.jobs.ledger.base import RunQuery
from app.jobs.ledger.files import list_runs_of
from app.jobs.ledger.sqlite import SqliteRunLedger
from app.jobs.record import RunState
from support.jobs_support import build_record
from support.ledgers import NOON, accepted, done, finished, settle, updated


@pytest.fixture
def ledgers(tmp_path: Path) -> Iterator[tuple[SqliteRunLedger, SqliteRunLedger]]:
    one, two = SqliteRunLedger(tmp_path / "one.db"), SqliteRunLedger(tmp_path / "two.db")
    yield one, two
    one.close()
    two.close()


def test_the_newest_runs_of_all_files_come_first(
    tmp_path: Path, ledgers: tuple[SqliteRunLedger, SqliteRunLedger]
) -> None:
    for number in range(1, 7):
        accepted(ledgers[number % 2], build_record(number, accepted_at=NOON + timedelta(seconds=number)))
    found = list_runs_of([tmp_path / "one.db", tmp_path / "two.db"], RunQuery(limit=4))
    assert [record.log_id for record in found] == [6, 5, 4, 3]


def test_of_a_run_that_was_handed_over_the_one_who_reports_it_has_the_word(
    tmp_path: Path, ledgers: tuple[SqliteRunLedger, SqliteRunLedger]
) -> None:
    one, two = ledgers
    finished(one, build_record(1))
    one.mark_reported(["run-1"])
    settle(one)
    accepted(two, done(build_record(1)))
    files = [tmp_path / "one.db", tmp_path / "two.db"]
    for order in (files, files[::-1]):
        assert [record.state for record in list_runs_of(order, RunQuery())] == [RunState.DONE]
    two.mark_reported(["run-1"])
    updated(two, build_record(2))
    assert [record.state for record in list_runs_of(files, RunQuery())] == [RunState.REPORTED]


def test_reading_a_file_at_rest_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a #1%20?.db"
    ledger = SqliteRunLedger(path)
    accepted(ledger, build_record(1))
    ledger.close()
    assert [record.log_id for record in list_runs_of([path], RunQuery())] == [1]
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cant_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "runs.db").write_bytes(b"no ledger " * 500)
    with pytest.raises(Unavailable, match=r"run ledger .*runs\.db can't be read: file is not a database"):
        list_runs_of([tmp_path / "runs.db"], RunQuery())
