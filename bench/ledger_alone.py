"""Takes runs through the ledger alone: `python -m bench.ledger_alone FOLDER RUNS WINDOW FSYNC` prints one JSON line."""

import json
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from queue import SimpleQueue

from app.jobs.ledger.base import Acceptance
from app.jobs.ledger.sqlite import SqliteRunLedger
from app.jobs.record import RunOutcome, RunRecord, RunState

REPORTED_AT_ONCE = 50


def take_through(ledger: SqliteRunLedger, runs: int, window: int) -> dict[str, float]:
    """Each run is accepted, finished when that has lasted, and reported when its outcome has."""
    inbox: SimpleQueue[tuple[RunRecord, Acceptance | None]] = SimpleQueue()
    began, used = time.perf_counter(), time.process_time()
    begun = stored = 0
    unreported: list[str] = []
    while stored < runs:
        while begun < runs and begun - stored < window:
            record = _record(begun)
            ledger.accept(record, partial(_put, inbox, record))
            begun += 1
        record, acceptance = inbox.get()
        if acceptance is None:
            stored += 1
            unreported.append(record.run_id)
        elif acceptance.error is not None:
            raise acceptance.error
        else:
            done = replace(record, state=RunState.DONE, outcome=RunOutcome.SUCCESS, code=200, finished_at=_now())
            ledger.update(done, partial(inbox.put, (done, None)))
        if len(unreported) == REPORTED_AT_ONCE or stored == runs:
            ledger.mark_reported(unreported)
            unreported = []
    ledger.close()
    seconds = time.perf_counter() - began
    return {"per_second": runs / seconds, "cpu_us": (time.process_time() - used) / runs * 1e6}


def _put(inbox: "SimpleQueue[tuple[RunRecord, Acceptance | None]]", record: RunRecord, acceptance: Acceptance) -> None:
    inbox.put((record, acceptance))


def _record(number: int) -> RunRecord:
    console = "http://127.0.0.1:8080/xxl-job-admin"
    return RunRecord(
        run_id=f"1795359934946|{number}|{1 + number % 200}|{console}",
        trigger="xxl-job",
        console=console,
        log_id=number,
        log_date_time=1_795_359_934_946,
        job_id=1 + number % 200,
        handler="noop",
        param="",
        shard_index=0,
        shard_total=1,
        attempt=1,
        instance="executor-bench-1",
        trace_id=f"xxl-bench-executor-{number}",
        state=RunState.ACCEPTED,
        accepted_at=_now(),
    )


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    folder, run_count, window_size, fsync = sys.argv[1:]
    opened = SqliteRunLedger(Path(folder) / "runs.db", fsync=fsync == "fsync")
    print(json.dumps(take_through(opened, int(run_count), int(window_size))))
