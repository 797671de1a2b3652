"""What waits to be stored is seen by who asks, and forgotten once it is."""

from app.jobs.ledger.waiting import WaitingWrites, applied
from app.jobs.ledger.writes import Accept, Report, Update
from app.jobs.record import RunState
from support.jobs_support import build_record
from support.ledgers import done

RECORD = build_record(1, sequence=1)


def test_writes_of_a_run_are_applied_in_their_order_and_forgotten_one_by_one() -> None:
    waiting = WaitingWrites()
    update, report = Update(done(RECORD), None), Report(["run-1", "run-2"])
    waiting.add(update)
    waiting.add(report)
    seen = applied(RECORD, waiting.of("run-1"))
    assert seen is not None
    assert seen.state is RunState.REPORTED
    waiting.remove([update])
    assert waiting.copy() == {"run-1": (report,), "run-2": (report,)}
    waiting.remove([report])
    assert waiting.copy() == {}


def test_the_latest_acceptance_of_a_run_is_revoked_once() -> None:
    waiting = WaitingWrites()
    first, second = Accept(RECORD, print), Accept(RECORD, print)
    waiting.begin(first)
    waiting.begin(second)
    revoked = waiting.revoke("run-1")
    assert revoked is not None
    assert revoked.accept is second
    assert waiting.revoke("run-1") is None


def test_an_acceptance_that_was_not_new_is_not_revoked() -> None:
    waiting = WaitingWrites()
    accept = Accept(RECORD, print)
    waiting.begin(accept)
    waiting.was_not_new(Accept(RECORD, print))
    waiting.was_not_new(accept)
    assert waiting.revoke("run-1") is None


def test_a_run_that_went_on_is_not_revoked() -> None:
    waiting = WaitingWrites()
    waiting.begin(Accept(RECORD, print))
    waiting.add(Update(RECORD, None))
    assert waiting.revoke("run-1") is None
