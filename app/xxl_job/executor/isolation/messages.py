"""What is said over the channel: the child's place, runs, alerts. Plain data in both directions."""

import sys
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, Final

from app.alerts.base import AlertEvent
from app.common.const import AlarmLevel
from app.common.redaction import clean_value
from app.config.environment import Environment
from app.jobs.options import PLAIN
from app.jobs.record import RunRecord, RunState
from app.jobs.registry import JobDefinition
from app.jobs.run import Run
from app.xxl_job.executor.isolation.failures import pack_failure, unpack_failure
from app.xxl_job.executor.isolation.frames import Frame

OPEN: Final = "open"
READY: Final = "ready"
REFUSED: Final = "refused"
RUN: Final = "run"
BEGUN: Final = "begun"
SETTLED: Final = "settled"
ENDED: Final = "ended"
STOP: Final = "stop"
CLOSE: Final = "close"
ALERT: Final = "alert"

_PATHS: Final = frozenset(field.name for field in fields(Environment) if field.type is Path)
_TIMES: Final = frozenset({"accepted_at", "started_at", "finished_at"})


def pack_opening(environment: Environment, instance: str, packages: tuple[str, ...]) -> dict[str, Any]:
    """Who the parent is, and where the child finds the jobs."""
    return {
        "kind": OPEN,
        "environment": {**vars(environment), "variables": dict(environment.variables)},
        "instance": instance,
        "packages": packages,
        "path": sys.path,
    }


def unpack_environment(packed: Mapping[str, Any]) -> Environment:
    values: dict[str, Any] = {key: Path(value) if key in _PATHS else value for key, value in packed.items()}
    return Environment(**values)


def pack_run(run: Run) -> dict[str, Any]:
    """A run as it stands now, with the limits of its job."""
    record, options = run.record, run.definition.options
    if run.context is not None:
        record = replace(record, attempt=run.context.attempt)
    return {
        "kind": RUN,
        "record": {key: value for key, value in asdict(record).items() if key not in _TIMES},
        "fields": dict(run.fields),
        "timeout_seconds": run.timeout_seconds,
        "memory_mb": options.memory_mb,
        "cpu_seconds": options.cpu_seconds,
    }


def unpack_run(frame: Frame, definition: JobDefinition) -> Run:
    """The run for the child: isolation and retries are the parent's part."""
    record = RunRecord(**{**frame["record"], "state": RunState.ACCEPTED, "outcome": None})
    return Run(record, replace(definition, options=PLAIN), frame["timeout_seconds"], frame["fields"])


def pack_alert(event: AlertEvent) -> dict[str, Any]:
    return {
        "kind": ALERT,
        "name": event.name,
        "level": int(event.level),
        "summary": event.summary,
        "labels": dict(event.labels),
        "details": clean_value(event.details),
        "exception": pack_failure(event.exception) if event.exception is not None else None,
        "dedup_key": event.dedup_key,
        "resolves": event.resolves,
        "trace_id": event.trace_id,
    }


def unpack_alert(frame: Frame) -> AlertEvent:
    values = {key: value for key, value in frame.items() if key != "kind"}
    packed = values.pop("exception")
    exception = unpack_failure(packed) if packed is not None else None
    return AlertEvent(**{**values, "level": AlarmLevel(frame["level"])}, exception=exception)
