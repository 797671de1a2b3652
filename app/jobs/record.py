"""The run record: what is kept of every run, whoever triggered it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RunState(StrEnum):
    ACCEPTED = "accepted"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"


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
