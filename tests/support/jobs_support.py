"""Runs by hand: records, definitions, and events that are written down."""

import threading
from collections.abc import Callable
from typing import Any

from app.jobs.options import PLAIN, JobOptions
from app.jobs.record import RunRecord, RunState
from app.jobs.registry import build_definition
from app.jobs.run import Run


def build_record(log_id: int = 1, **fields: Any) -> RunRecord:
    values: dict[str, Any] = {
        "run_id": f"run-{log_id}",
        "trigger": "xxl-job",
        "console": "http://console/x",
        "log_id": log_id,
        "log_date_time": 1_795_359_934_946,
        "job_id": 4,
        "handler": "it",
        "param": "",
        "shard_index": 0,
        "shard_total": 1,
        "attempt": 1,
        "instance": "executor-a-0",
        "trace_id": f"xxl-app-{log_id}",
        "state": RunState.ACCEPTED,
        **fields,
    }
    return RunRecord(**values)


def build_run(function: Callable[..., Any] = lambda: None, options: JobOptions = PLAIN, **fields: Any) -> Run:
    return Run(build_record(**fields), build_definition("it", function, options=options))


class RecordingEvents:
    """Keeps what happened to runs, from any thread."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.over = threading.Event()

    def started(self, run: Run) -> None:
        self.seen.append("started")

    def settled(self, run: Run) -> None:
        self.seen.append("settled")

    def ended(self, run: Run) -> None:
        self.seen.append("ended")
        self.over.set()
