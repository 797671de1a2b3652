"""The links and observers that every run has."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from app.alerts.base import AlertEvent
from app.common.const import AlarmLevel
from app.common.context import pinned_snapshot_var, run_var, trace_id_var
from app.common.errors import ValidationError
from app.common.log_copy import LineCopy, line_copy_var
from app.common.log_direct import LineFields
from app.common.metrics import RUN_SECONDS, RUNS
from app.config.snapshot import Snapshot
from app.jobs.arguments import parse_args
from app.jobs.context import JobContext
from app.jobs.ledger.views import took_seconds
from app.jobs.printed import flush_printed
from app.jobs.record import RunOutcome, RunState
from app.jobs.result import RunResult
from app.jobs.run import Run
from app.jobs.run_lines import fields_of, write_finished, write_started
from app.jobs.run_log import OpenRunLog
from app.jobs.run_logger import build_run_logger
from app.runtime import Runtime

Leave = Callable[[], None]
Link = Callable[[Run], Leave | None]
"""Enters, and says how to leave if there is anything to put back."""

ALERTED: Final = frozenset({RunOutcome.FAILED, RunOutcome.TIMEOUT})


def trace_link(runtime: Runtime, open_log: OpenRunLog, *, announce: bool = True) -> Link:
    """Binds trace id, snapshot, context and job log for the run, and (`announce`) writes its first line."""

    def traced(run: Run) -> Leave:
        snapshot = runtime.settings.state.snapshot
        fields = fields_of(run.record)
        run.context = _build_context(run, runtime, snapshot, fields)
        copy = LineCopy(run.take_log(open_log).write)
        tokens = (
            line_copy_var.set(copy),
            trace_id_var.set(run.record.trace_id),
            pinned_snapshot_var.set(None if run.definition.live else snapshot),
            run_var.set(run.context),
        )

        def leave() -> None:
            flush_printed(copy)
            line_copy_var.reset(tokens[0])
            trace_id_var.reset(tokens[1])
            pinned_snapshot_var.reset(tokens[2])
            run_var.reset(tokens[3])
            run.give_back_log()

        if announce:
            write_started(run, fields)
        return leave

    return traced


def _build_context(run: Run, runtime: Runtime, snapshot: Snapshot, fields: LineFields) -> JobContext:
    record, args = run.record, None
    if run.definition.args is not None:
        try:
            args = parse_args(run.definition.args, record.param)
        except ValidationError as error:
            run.bad_parameter = error
    seconds = run.timeout_seconds
    return JobContext(
        job_id=record.job_id,
        log_id=record.log_id,
        handler=record.handler,
        param=record.param,
        args=args,
        shard_index=record.shard_index,
        shard_total=record.shard_total,
        deadline=datetime.now(UTC) + timedelta(seconds=seconds) if seconds else None,
        attempt=record.attempt,
        trace_id=record.trace_id,
        log=build_run_logger(fields),
        snapshot=snapshot,
        runtime=runtime,
        stop_event=run.stop_event,
    )


def begin_link(on_started: Callable[[Run], None]) -> Link:
    """Marks that the run has started, and says so: timeouts count from here."""

    def begun(run: Run) -> None:
        run.mark(RunState.RUNNING)
        on_started(run)

    return begun


def log_result(run: Run, result: RunResult) -> None:
    """The last line of the run's log, after what was printed without an end of line."""
    copy = line_copy_var.get()
    if copy is not None and copy.partial:
        flush_printed(copy)
    write_finished(run, result)


def count_result(run: Run, result: RunResult) -> None:
    """Counts the run, and how long it took if it ever began."""
    RUNS.inc_series((run.record.handler, result.outcome.value))
    if (seconds := took_seconds(run.record)) is not None:
        RUN_SECONDS.observe_series((run.record.handler,), seconds)


def alert_result(runtime: Runtime) -> Callable[[Run, RunResult], None]:
    """Failed and timed out runs are alerts; one matter per handler and kind of error."""

    def alert(run: Run, result: RunResult) -> None:
        if result.outcome not in ALERTED:
            return
        record, kind = run.record, type(result.exception).__name__ if result.exception else str(result.outcome)
        runtime.alerts.raise_alert(
            AlertEvent(
                name="job_failed",
                level=AlarmLevel.URGENT,
                summary=f"job {record.handler} failed: {result.message}",
                labels={"handler": record.handler, "outcome": str(result.outcome)},
                details={"job_id": record.job_id, "log_id": record.log_id, "instance": record.instance},
                exception=result.exception,
                dedup_key=f"job:{record.handler}:{kind}",
                trace_id=record.trace_id,
            )
        )

    return alert
