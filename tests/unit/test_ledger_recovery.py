"""After a restart: what was in flight is lost or begins anew; outcomes are handed from ledger to ledger."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.jobs.ledger.memory import MemoryRunLedger
from app.jobs.ledger.recovery import move_outcomes, recover
from app.jobs.ledger.sqlite import SqliteRunLedger
from app.jobs.record import RunOutcome, RunRecord, RunState
from support.jobs_support import build_record
from support.ledgers import NOON, accepted, finished, settle, updated


def never(_: RunRecord) -> bool:
    return False


@pytest.mark.parametrize("state", [RunState.ACCEPTED, RunState.QUEUED, RunState.RUNNING])
def test_a_run_in_flight_is_lost_and_waits_to_be_reported(state: RunState) -> None:
    ledger = MemoryRunLedger()
    accepted(ledger, build_record(1))
    updated(ledger, build_record(1, state=state))
    assert recover(ledger, never) == []
    (lost,) = ledger.list_unreported(10)
    assert (lost.outcome, lost.code) == (RunOutcome.LOST, 500)
    assert lost.message == f"executor restarted: the run was {state} when its process died"
    assert lost.finished_at is not None


def test_what_was_finished_stays_as_it_is() -> None:
    ledger = MemoryRunLedger()
    finished(ledger, build_record(1))
    before = ledger.find("run-1")
    recover(ledger, never)
    assert ledger.find("run-1") == before


def test_resumable_runs_begin_anew_oldest_first() -> None:
    ledger = MemoryRunLedger()
    for number in (3, 1, 2):
        accepted(ledger, build_record(number, handler="again" if number != 2 else "it"))
    updated(ledger, build_record(1, handler="again", state=RunState.RUNNING, attempt=2, started_at=NOON))
    again = recover(ledger, lambda record: record.handler == "again")
    assert [(one.log_id, one.attempt, one.state, one.started_at) for one in again] == [
        (3, 2, RunState.ACCEPTED, None),
        (1, 3, RunState.ACCEPTED, None),
    ]
    assert ledger.list_unfinished() == again
    assert [one.log_id for one in ledger.list_unreported(10)] == [2]


def test_recovery_is_stored_when_it_returns(tmp_path: Path) -> None:
    ledger = SqliteRunLedger(tmp_path / "runs.db")
    for number in range(1, 301):
        ledger.accept(build_record(number), lambda _: None)
    settle(ledger)
    assert recover(ledger, never) == []
    assert len(ledger.list_unreported(1000)) == 300
    ledger.close()


def test_outcomes_are_moved_once_however_often_it_is_tried() -> None:
    source, target = MemoryRunLedger(), MemoryRunLedger()
    for number in (1, 2):
        finished(source, build_record(number, instance="dead-0"))
    finished(target, build_record(2, instance="dead-0"))
    target.mark_reported(["run-2"])
    assert move_outcomes(source, target, lambda _: True) == 1
    assert source.list_unreported(10) == []
    (moved,) = target.list_unreported(10)
    assert (moved.run_id, moved.instance, moved.message) == ("run-1", "dead-0", "3 rows")
    assert move_outcomes(source, target, lambda _: True) == 0


def test_outcomes_of_others_are_left_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.jobs.ledger.recovery.PAGE", 2)
    source, target = MemoryRunLedger(), MemoryRunLedger()
    for number in range(1, 8):
        finished(source, build_record(number, console="ours" if number in {1, 6} else "another"))
    assert move_outcomes(source, target, lambda record: record.console == "ours") == 2
    assert [one.log_id for one in source.list_unreported(10)] == [2, 3, 4, 5, 7]
    assert [replace(one, sequence=0).log_id for one in target.list_unreported(10)] == [1, 6]
