import json
from pathlib import Path
from typing import Any

from app.alerts.base import AlertEvent
from app.common.const import AlarmLevel
from app.jobs.options import PLAIN, Isolation, JobOptions
from app.jobs.record import RunState
from app.xxl_job.executor.isolation.messages import (
    pack_alert,
    pack_opening,
    pack_run,
    unpack_alert,
    unpack_environment,
    unpack_run,
)
from support.jobs_support import build_run
from support.runtime import build_environment


def across(frame: Any) -> Any:
    return json.loads(json.dumps(frame, default=str))


def test_a_run_crosses_with_everything_its_context_is_made_of() -> None:
    options = JobOptions(isolation=Isolation.PROCESS, memory_mb=64, cpu_seconds=2)
    run = build_run(options=options, param="äpfel", shard_index=1, shard_total=3)
    run.timeout_seconds, run.fields = 5, {"jobId": 4, "glueType": "BEAN"}
    run.mark(RunState.RUNNING)
    run.begin_attempt()
    frame = across(pack_run(run))
    there = unpack_run(frame, run.definition)
    record = there.record
    assert (record.param, record.shard_index, record.shard_total, record.attempt) == ("äpfel", 1, 3, 2)
    assert (record.run_id, record.trace_id, record.outcome) == (run.record.run_id, run.record.trace_id, None)
    assert (there.timeout_seconds, there.fields) == (5, {"jobId": 4, "glueType": "BEAN"})
    assert (frame["memory_mb"], frame["cpu_seconds"]) == (64, 2)


def test_isolation_and_retries_are_the_parents_part() -> None:
    run = build_run(options=JobOptions(isolation=Isolation.PROCESS))
    assert unpack_run(across(pack_run(run)), run.definition).definition.options == PLAIN


def test_the_environment_crosses_with_its_paths(tmp_path: Path) -> None:
    environment = build_environment(tmp_path, "test")
    opening = across(pack_opening(environment, "executor-a-0", ("a.b",)))
    assert unpack_environment(opening["environment"]) == environment
    assert (opening["instance"], opening["packages"]) == ("executor-a-0", ["a.b"])


def test_an_alert_crosses_with_its_exception() -> None:
    event = AlertEvent(
        "low",
        AlarmLevel.URGENT,
        "few",
        {"shop": "a"},
        {"left": 2, "at": Path("x")},
        ValueError("why"),
        "k",
        True,
        "t-1",
    )
    there = unpack_alert(across(pack_alert(event)))
    assert (there.name, there.level, there.summary, there.labels) == ("low", AlarmLevel.URGENT, "few", {"shop": "a"})
    assert (there.details, there.dedup_key, there.resolves, there.trace_id) == (
        {"left": 2, "at": "x"},
        "k",
        True,
        "t-1",
    )
    assert isinstance(there.exception, ValueError)
    assert unpack_alert(across(pack_alert(AlertEvent("a", AlarmLevel.NORMAL, "b")))).exception is None
