"""A run record as a row, and back."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from app.jobs.record import RunOutcome, RunRecord, RunState

COLUMNS: Final = (
    "sequence", "run_id", "triggered_by", "console", "log_id", "log_date_time", "job_id", "handler", "param",
    "shard_index", "shard_total", "attempt", "instance", "trace_id", "state", "outcome", "code", "message",
    "accepted_at", "started_at", "finished_at", "timeout_seconds",
)  # fmt: skip
CHANGING: Final = ("state", "outcome", "code", "message", "attempt", "started_at", "finished_at")
"""What a later record of a run may change; all else is as it was accepted."""

Row = Sequence[Any]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


def storable(text: str) -> str:
    """The text without what SQLite can't keep: NUL characters and halves of surrogate pairs."""
    if "\0" in text:
        text = text.replace("\0", _REPLACEMENT)
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode()


def accepted_row(record: RunRecord, sequence: int) -> Row:
    """In the order of COLUMNS."""
    return (
        sequence,
        storable(record.run_id),
        storable(record.trigger),
        storable(record.console),
        record.log_id,
        record.log_date_time,
        record.job_id,
        storable(record.handler),
        storable(record.param),
        record.shard_index,
        record.shard_total,
        record.attempt,
        storable(record.instance),
        storable(record.trace_id),
        record.state,
        record.outcome,
        record.code,
        storable(record.message),
        microseconds(record.accepted_at),
        microseconds(record.started_at),
        microseconds(record.finished_at),
        record.timeout_seconds,
    )


def changed_row(record: RunRecord) -> Row:
    """The run's id, then CHANGING."""
    return (
        storable(record.run_id),
        record.state,
        record.outcome,
        record.code,
        storable(record.message),
        record.attempt,
        microseconds(record.started_at),
        microseconds(record.finished_at),
    )


def record_of(row: Row) -> RunRecord:
    """The record of a row with COLUMNS."""
    values: list[Any] = [
        *row[1:14],
        RunState(row[14]),
        None if row[15] is None else RunOutcome(row[15]),
        row[16],
        row[17],
        _moment(row[18]),
        _moment(row[19]),
        _moment(row[20]),
        row[21],
        row[0],
    ]
    return RunRecord(*values)


def microseconds(moment: datetime | None) -> int | None:
    """Since the epoch."""
    return None if moment is None else (moment - _EPOCH) // _MICROSECOND


def _moment(count: int | None) -> datetime | None:
    return None if count is None else _EPOCH + timedelta(microseconds=count)
