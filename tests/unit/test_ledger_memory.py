"""The memory ledger keeps what must be kept, and no more than it may."""

from app.jobs.ledger.base import RunQuery
from app.jobs.ledger.memory import MemoryRunLedger
from support.jobs_support import build_record
from support.ledgers import accepted, finished


def test_of_reported_runs_the_newest_are_kept() -> None:
    ledger = MemoryRunLedger(keep=2)
    for number in (1, 2, 3):
        finished(ledger, build_record(number))
    ledger.mark_reported(["run-1", "run-2", "run-3"])
    assert [record.log_id for record in ledger.list_runs(RunQuery())] == [3, 2]


def test_unreported_runs_are_kept_however_many() -> None:
    ledger = MemoryRunLedger(keep=1, capacity=2)
    for number in (1, 2, 3):
        finished(ledger, build_record(number))
    assert ledger.is_full
    assert len(ledger.list_unreported(10)) == 3


def test_it_has_room_again_once_outcomes_are_reported() -> None:
    ledger = MemoryRunLedger(capacity=1)
    finished(ledger, build_record(1))
    ledger.mark_reported(["run-1"])
    assert not ledger.is_full
    assert accepted(ledger, build_record(2)).error is None
