"""Run ledgers by hand: what was answered, and steps of a run."""

import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from app.jobs.ledger.base import Acceptance, RunLedger
from app.jobs.record import RunOutcome, RunRecord, RunState

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def accepted(ledger: RunLedger, record: RunRecord, seconds: float = 10.0) -> Acceptance:
    """Hands a run over and waits for what the ledger says."""
    answers: list[Acceptance] = []
    answered = threading.Event()

    def answer(acceptance: Acceptance) -> None:
        answers.append(acceptance)
        answered.set()

    ledger.accept(record, answer)
    assert answered.wait(seconds), "no answer came"
    return answers[0]


def updated(ledger: RunLedger, record: RunRecord, seconds: float = 10.0) -> None:
    """Writes a later record and waits until it is stored."""
    stored = threading.Event()
    ledger.update(record, stored.set)
    assert stored.wait(seconds), "it was never stored"


def done(record: RunRecord, outcome: RunOutcome = RunOutcome.SUCCESS, **fields: Any) -> RunRecord:
    values: dict[str, Any] = {"code": 200, "message": "3 rows", "finished_at": NOON, **fields}
    return replace(record, state=RunState.DONE, outcome=outcome, **values)


def finished(ledger: RunLedger, record: RunRecord, outcome: RunOutcome = RunOutcome.SUCCESS) -> None:
    """Accepts and finishes a run."""
    accepted(ledger, record)
    updated(ledger, done(record, outcome))


def settle(ledger: RunLedger, seconds: float = 10.0) -> None:
    """Waits until what was written before is stored: writes take effect in their order."""
    written = threading.Event()
    ledger.update(_nobody(), written.set)
    assert written.wait(seconds), "the ledger doesn't get on"


def _nobody() -> RunRecord:
    return RunRecord("nobody", "", "", 0, 0, 0, "", "", 0, 1, 1, "", "", RunState.RUNNING)
