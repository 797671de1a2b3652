"""The run record: what is kept of every run, whoever triggered it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final


class RunState(StrEnum):
    ACCEPTED = "accepted"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    """The outcome is fixed; the console may not know it yet."""
    REPORTED = "reported"


FINISHED: Final = frozenset({RunState.DONE, RunState.REPORTED})


class RunOutcome(StrEnum):
    SUCCESS = "success"
    FAILED = "failed"
    TIMEOUT = "timeout"
    KILLED = "killed"
    DISCARDED = "discarded"
    LOST = "lost"


@dataclass(frozen=True)
class RunRecord:
    """One run. Frozen: a step forward is a new record with the same `run_id`."""

    run_id: str
    """Console, job id, log id and logDateTime in one word: the same for every delivery of the same run."""
    trigger: str
    console: str
    log_id: int
    log_date_time: int
    """Milliseconds since the epoch, as the console sent it: part of the run's identity."""
    job_id: int
    handler: str
    param: str
    shard_index: int
    shard_total: int
    attempt: int
    """1, and one more for each time it begins anew: a retry inside the run, or a resumable run after a restart."""
    instance: str
    trace_id: str
    state: RunState
    outcome: RunOutcome | None = None
    code: int | None = None
    """What the console is told: 200 success, 500 failure, 502 timeout."""
    message: str = ""
    accepted_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    timeout_seconds: int | None = None
    sequence: int = 0
    """Given by the ledger: grows with every run it accepted."""


def stepped(record: RunRecord, **changes: Any) -> RunRecord:
    """`dataclasses.replace` for every run's every step: a record has twenty fields and nothing to check."""
    later = object.__new__(RunRecord)
    vars(later).update(vars(record), **changes)
    return later
