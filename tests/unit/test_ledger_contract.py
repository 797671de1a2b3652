"""What every run ledger promises: the memory twin and the SQLite file run the same tests."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from app.jobs.ledger.base import KEPT_PARAMETER, RunLedger, RunQuery
from app.jobs.ledger.memory import MemoryRunLedger
from app.jobs.ledger.sqlite import SqliteRunLedger
from app.jobs.record import RunOutcome, RunRecord, RunState
from support.jobs_support import build_record
from support.ledgers import NOON, accepted, done, finished, settle, updated

EVERY_FIELD = {
    "run_id": "http://a/x,http://b/x|4|7|1795359934946",
    "param": "日报 \N{PILE OF POO} '\"\\ \n",
    "shard_index": 1,
    "shard_total": 3,
    "accepted_at": NOON.replace(microsecond=123_457),
    "timeout_seconds": 30,
}


@pytest.fixture(params=["memory", "sqlite"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunLedger]:
    opened: RunLedger = MemoryRunLedger() if request.param == "memory" else SqliteRunLedger(tmp_path / "runs.db")
    yield opened
    opened.close()


def log_ids(records: list[RunRecord]) -> list[int]:
    return [record.log_id for record in records]


def test_a_run_that_is_not_there_is_none(ledger: RunLedger) -> None:
    assert ledger.find("run-1") is None


def test_an_accepted_run_is_found_as_it_was_handed_over(ledger: RunLedger) -> None:
    record = build_record(7, **EVERY_FIELD)
    assert accepted(ledger, record).known is None
    assert ledger.find(record.run_id) == replace(record, sequence=1)


def test_a_second_delivery_of_a_run_is_known_and_changes_nothing(ledger: RunLedger) -> None:
    finished(ledger, build_record(1))
    answer = accepted(ledger, build_record(1, param="another"))
    assert answer.known == ledger.find("run-1")
    assert answer.known is not None
    assert (answer.known.param, answer.known.outcome) == ("", RunOutcome.SUCCESS)


def test_a_later_record_replaces_the_former_one(ledger: RunLedger) -> None:
    record = build_record(1)
    accepted(ledger, record)
    later = replace(record, state=RunState.RUNNING, attempt=2, started_at=NOON)
    updated(ledger, later)
    assert ledger.find("run-1") == replace(later, sequence=1)


def test_a_fixed_outcome_is_never_replaced(ledger: RunLedger) -> None:
    finished(ledger, build_record(1), RunOutcome.KILLED)
    updated(ledger, done(build_record(1), RunOutcome.SUCCESS))
    updated(ledger, build_record(1, state=RunState.RUNNING))
    assert ledger.find("run-1") == replace(done(build_record(1), RunOutcome.KILLED), sequence=1)


def test_of_two_outcomes_in_one_breath_the_first_stands(ledger: RunLedger) -> None:
    accepted(ledger, build_record(1))
    ledger.update(done(build_record(1), RunOutcome.KILLED))
    updated(ledger, done(build_record(1), RunOutcome.SUCCESS))
    found = ledger.find("run-1")
    assert found is not None
    assert found.outcome is RunOutcome.KILLED


def test_an_update_of_an_unknown_run_makes_none_and_is_answered(ledger: RunLedger) -> None:
    updated(ledger, done(build_record(1)))
    assert ledger.find("run-1") is None


def test_an_outcome_that_the_console_has_from_the_answer_is_reported_at_once(ledger: RunLedger) -> None:
    accepted(ledger, build_record(1))
    updated(ledger, replace(done(build_record(1), RunOutcome.DISCARDED), state=RunState.REPORTED))
    assert ledger.list_unreported(10) == []
    assert log_ids(ledger.list_runs(RunQuery(outcomes=frozenset({RunOutcome.DISCARDED})))) == [1]


def test_a_withdrawn_run_was_never_there_and_may_come_again(ledger: RunLedger) -> None:
    accepted(ledger, build_record(1))
    ledger.withdraw("run-1")
    assert ledger.find("run-1") is None
    assert accepted(ledger, build_record(1)).known is None


def test_withdrawing_a_second_delivery_leaves_the_first_alone(ledger: RunLedger) -> None:
    accepted(ledger, build_record(1))
    accepted(ledger, build_record(1))
    ledger.withdraw("run-1")
    settle(ledger)
    assert log_ids(ledger.list_unfinished()) == [1]


def test_a_run_that_was_updated_is_no_longer_withdrawn(ledger: RunLedger) -> None:
    finished(ledger, build_record(1))
    ledger.withdraw("run-1")
    settle(ledger)
    assert log_ids(ledger.list_unreported(10)) == [1]


def test_reported_runs_leave_the_list_of_unreported_ones(ledger: RunLedger) -> None:
    for number in (1, 2, 3):
        finished(ledger, build_record(number))
    ledger.mark_reported(["run-1", "run-3", "nobody"])
    assert log_ids(ledger.list_unreported(10)) == [2]
    found = ledger.find("run-3")
    assert found is not None
    assert (found.state, found.message) == (RunState.REPORTED, "3 rows")


def test_a_run_without_an_outcome_is_not_reported(ledger: RunLedger) -> None:
    accepted(ledger, build_record(1))
    ledger.mark_reported(["run-1"])
    settle(ledger)
    assert log_ids(ledger.list_unfinished()) == [1]


def test_unreported_runs_come_oldest_first_in_pages(ledger: RunLedger) -> None:
    for number in (3, 1, 2):
        finished(ledger, build_record(number))
    page = ledger.list_unreported(2)
    assert log_ids(page) == [3, 1]
    assert log_ids(ledger.list_unreported(2, after=page[-1].sequence)) == [2]


def test_unfinished_runs_come_oldest_first(ledger: RunLedger) -> None:
    for number in (3, 1, 2):
        accepted(ledger, build_record(number))
    updated(ledger, build_record(3, state=RunState.RUNNING))
    updated(ledger, done(build_record(1)))
    assert log_ids(ledger.list_unfinished()) == [3, 2]


def test_of_a_long_parameter_the_beginning_is_kept_once_the_outcome_is_fixed(ledger: RunLedger) -> None:
    record = build_record(1, param="长" * 1_000_000)
    accepted(ledger, record)
    updated(ledger, replace(record, state=RunState.RUNNING))
    assert [len(one.param) for one in ledger.list_unfinished()] == [1_000_000]
    updated(ledger, done(record))
    assert [one.param for one in ledger.list_unreported(1)] == ["长" * KEPT_PARAMETER]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (RunQuery(), [5, 4, 3, 2, 1]),
        (RunQuery(limit=2), [5, 4]),
        (RunQuery(before=3), [2, 1]),
        (RunQuery(handler="tidy"), [4, 2]),
        (RunQuery(job_id=9), [4]),
        (RunQuery(log_id=3), [3]),
        (RunQuery(states=frozenset({RunState.ACCEPTED})), [5]),
        (RunQuery(states=frozenset({RunState.DONE})), [4, 3, 2]),
        (RunQuery(states=frozenset({RunState.REPORTED})), [1]),
        (RunQuery(states=frozenset({RunState.DONE, RunState.ACCEPTED})), [5, 4, 3, 2]),
        (RunQuery(outcomes=frozenset({RunOutcome.FAILED})), [3]),
        (RunQuery(outcomes=frozenset({RunOutcome.FAILED, RunOutcome.SUCCESS})), [4, 3, 1]),
        (RunQuery(handler="tidy", outcomes=frozenset({RunOutcome.LOST})), [2]),
        (RunQuery(handler="x' OR 1=1 --"), []),
    ],
)
def test_runs_are_listed_newest_first_as_asked_for(ledger: RunLedger, query: RunQuery, expected: list[int]) -> None:
    finished(ledger, build_record(1))
    finished(ledger, build_record(2, handler="tidy"), RunOutcome.LOST)
    finished(ledger, build_record(3), RunOutcome.FAILED)
    finished(ledger, build_record(4, handler="tidy", job_id=9))
    accepted(ledger, build_record(5))
    ledger.mark_reported(["run-1"])
    settle(ledger)
    assert log_ids(ledger.list_runs(query)) == expected


def test_expiring_forgets_old_runs_that_were_reported_and_no_others(ledger: RunLedger) -> None:
    for number, age in ((1, 40), (2, 40), (3, 10)):
        finished(ledger, build_record(number, accepted_at=NOON - timedelta(days=age)))
    accepted(ledger, build_record(4, accepted_at=NOON - timedelta(days=40)))
    ledger.mark_reported(["run-1", "run-3"])
    settle(ledger)
    assert ledger.expire(NOON - timedelta(days=30)) == 1
    assert log_ids(ledger.list_runs(RunQuery())) == [4, 3, 2]


def test_an_empty_ledger_has_room(ledger: RunLedger) -> None:
    assert not ledger.is_full
