"""What becomes of the runs of a dead process."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Final

from app.jobs.ledger.base import Acceptance, RunLedger
from app.jobs.record import RunOutcome, RunRecord, RunState
from app.jobs.result import FAILURE_CODE

LOST: Final = "executor restarted: the run was {state} when its process died"
WAIT_SECONDS: Final = 10.0
"""For a disk that doesn't take the outcomes: they are kept in memory and tried again."""
PAGE: Final = 1000


def recover(ledger: RunLedger, is_resumable: Callable[[RunRecord], bool]) -> list[RunRecord]:
    """Fixes the outcome of every unfinished run; returns those that begin anew, oldest first. Blocks while it writes.

    To be called once, before the process accepts runs of its own.
    """
    unfinished = ledger.list_unfinished()
    again = [_begun_anew(record) for record in unfinished if is_resumable(record)]
    resumed = {record.run_id for record in again}
    now = datetime.now(UTC)
    lost = [_lost(record, now) for record in unfinished if record.run_id not in resumed]
    _store_all(ledger, [*again, *lost])
    return again


def move_outcomes(source: RunLedger, target: RunLedger, wanted: Callable[[RunRecord], bool]) -> int:
    """Hands the unreported outcomes of one ledger to another, who reports them; returns how many were new there.

    A process that dies in between leaves them in both: done again, it changes nothing that is there already.
    """
    moved, after = 0, 0
    while page := source.list_unreported(PAGE, after):
        after = page[-1].sequence
        chosen = [record for record in page if wanted(record)]
        taken = _accept_all(target, chosen)
        moved += sum(answer.known is None for answer in taken.values())
        source.mark_reported(list(taken))
        if len(taken) < len(chosen):
            break
    return moved


def _begun_anew(record: RunRecord) -> RunRecord:
    return replace(record, state=RunState.ACCEPTED, attempt=record.attempt + 1, started_at=None)


def _lost(record: RunRecord, now: datetime) -> RunRecord:
    return replace(
        record,
        state=RunState.DONE,
        outcome=RunOutcome.LOST,
        code=FAILURE_CODE,
        message=LOST.format(state=record.state),
        finished_at=now,
    )


def _store_all(ledger: RunLedger, records: Sequence[RunRecord]) -> None:
    if not records:
        return
    stored = threading.Event()
    *most, last = records
    for record in most:
        ledger.update(record)
    ledger.update(last, stored.set)
    stored.wait(WAIT_SECONDS)


def _accept_all(ledger: RunLedger, records: Sequence[RunRecord]) -> dict[str, Acceptance]:
    """The answers by run, without those that were refused or didn't come in time."""
    answers: dict[str, Acceptance] = {}
    last = threading.Event()

    def answered(run_id: str, answer: Acceptance) -> None:
        answers[run_id] = answer
        if len(answers) == len(records):
            last.set()

    if not records:
        return answers
    for record in records:
        ledger.accept(record, partial(answered, record.run_id))
    last.wait(WAIT_SECONDS)
    return {run_id: answer for run_id, answer in dict(answers).items() if answer.error is None}
