"""A run as others see it."""

from typing import Any

from app.jobs.record import RunRecord


def run_as_json(record: RunRecord) -> dict[str, Any]:
    """Snake case; moments in ISO 8601 with their zone, durations in seconds."""
    return {
        "run_id": record.run_id,
        "sequence": record.sequence,
        "trigger": record.trigger,
        "console": record.console,
        "log_id": record.log_id,
        "log_date_time": record.log_date_time,
        "job_id": record.job_id,
        "handler": record.handler,
        "param": record.param,
        "shard_index": record.shard_index,
        "shard_total": record.shard_total,
        "attempt": record.attempt,
        "instance": record.instance,
        "trace_id": record.trace_id,
        "state": str(record.state),
        "outcome": record.outcome and str(record.outcome),
        "code": record.code,
        "message": record.message,
        "accepted_at": record.accepted_at and record.accepted_at.isoformat(),
        "started_at": record.started_at and record.started_at.isoformat(),
        "finished_at": record.finished_at and record.finished_at.isoformat(),
        "took_seconds": took_seconds(record),
        "timeout_seconds": record.timeout_seconds,
    }


def took_seconds(record: RunRecord) -> float | None:
    """From the real start to the outcome; None for a run that never began or isn't over.

    Never less than none, though the clock may have been set back meanwhile.
    """
    if record.started_at is None or record.finished_at is None:
        return None
    return max(0.0, (record.finished_at - record.started_at).total_seconds())
