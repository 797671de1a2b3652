"""The run ledger: the newest state of each run, outcomes fixed once, memory bounded."""

from dataclasses import replace

import pytest

from app.jobs.ledger import MemoryRunLedger, RunLedger
from app.jobs.record import RunOutcome, RunState
from support.jobs_support import build_record


@pytest.fixture
def ledger() -> RunLedger:
    return MemoryRunLedger(keep=3)


def test_a_run_that_is_not_there_is_none(ledger: RunLedger) -> None:
    assert ledger.find("nobody") is None


def test_a_step_forward_replaces_the_former_record(ledger: RunLedger) -> None:
    record = build_record(1)
    ledger.put(record)
    ledger.put(replace(record, state=RunState.RUNNING))
    found = ledger.find(record.run_id)
    assert found is not None
    assert found.state is RunState.RUNNING


def test_an_outcome_is_never_replaced(ledger: RunLedger) -> None:
    record = build_record(1)
    ledger.put(replace(record, state=RunState.DONE, outcome=RunOutcome.KILLED))
    ledger.put(replace(record, state=RunState.DONE, outcome=RunOutcome.SUCCESS))
    found = ledger.find(record.run_id)
    assert found is not None
    assert found.outcome is RunOutcome.KILLED


def test_the_newest_runs_are_listed_first_and_the_oldest_forgotten(ledger: RunLedger) -> None:
    for number in range(1, 6):
        ledger.put(build_record(number))
    assert [record.log_id for record in ledger.list_recent()] == [5, 4, 3]
    assert [record.log_id for record in ledger.list_recent(limit=1)] == [5]
    assert ledger.find("run-1") is None


def test_of_a_long_parameter_the_beginning_is_kept(ledger: RunLedger) -> None:
    record = build_record(1, param="x" * 1_000_000)
    ledger.put(record)
    found = ledger.find(record.run_id)
    assert found is not None
    assert found.param == "x" * 4_000
