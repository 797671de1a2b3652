"""The links and observers that every run has."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from app.alerts.base import AlertEvent
from app.common.const import AlarmLevel
from app.common.context import bound
from app.common.errors import ValidationError
from app.common.logger import log
from app.common.metrics import RUN_SECONDS, RUNS
from app.common.trace import w3c_trace_id
from app.config.snapshot import Snapshot
from app.jobs.arguments import parse_args
from app.jobs.context import JobContext
from app.jobs.record import RunOutcome, RunState
from app.jobs.result import RunResult
from app.jobs.run import Run
from app.jobs.run_log import OpenRunLog, run_log_var
from app.runtime import Runtime

SHOWN_LENGTH: Final = 1000
ALERTED: Final = frozenset({RunOutcome.FAILED, RunOutcome.TIMEOUT})
_LEVELS: Final = {RunOutcome.SUCCESS: "INFO", RunOutcome.FAILED: "ERROR"}


def trace_link(runtime: Runtime, open_log: OpenRunLog) -> Callable[[Run], AbstractContextManager[None]]:
    """Binds trace id, snapshot, context and job log for the run."""

    @contextmanager
    def traced(run: Run) -> Iterator[None]:
        snapshot = runtime.settings.state.snapshot
        run.log = run_log = open_log(run.record)
        token = run_log_var.set(run_log)
        try:
            run.context = _build_context(run, runtime, snapshot)
            pinned = None if run.definition.live else snapshot
            with bound(run.record.trace_id, snapshot=pinned, run=run.context):
                yield
        finally:
            run_log_var.reset(token)
            run.log = None
            run_log.close()

    return traced


def _build_context(run: Run, runtime: Runtime, snapshot: Snapshot) -> JobContext:
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
        log=log.bind(job=record.handler, job_id=record.job_id, log_id=record.log_id),
        snapshot=snapshot,
        runtime=runtime,
        stop_event=run.stop_event,
    )


@contextmanager
def logged(run: Run) -> Iterator[None]:
    """The first line of the run's log carries the trace id and its W3C form."""
    record = run.record
    log.bind(
        job=record.handler,
        job_id=record.job_id,
        log_id=record.log_id,
        shard=f"{record.shard_index}/{record.shard_total}",
        attempt=record.attempt,
        trace=record.trace_id,
        w3c_trace=w3c_trace_id(record.trace_id),
    ).info("run started")
    yield


def begin_link(on_started: Callable[[Run], None]) -> Callable[[Run], AbstractContextManager[None]]:
    """Marks that the run has started, and says so: timeouts count from here."""

    @contextmanager
    def begun(run: Run) -> Iterator[None]:
        run.mark(RunState.RUNNING)
        on_started(run)
        yield

    return begun


def log_result(run: Run, result: RunResult) -> None:
    """The last line of the run's log, with the stack of what went wrong."""
    record = run.record
    bound_log = log.bind(
        job=record.handler,
        job_id=record.job_id,
        log_id=record.log_id,
        outcome=str(result.outcome),
        result=result.message[:SHOWN_LENGTH],
    )
    bound_log.opt(exception=result.exception).log(_LEVELS.get(result.outcome, "WARNING"), "run finished")


def count_result(run: Run, result: RunResult) -> None:
    """Counts the run, and how long it took if it ever began."""
    started, finished = run.record.started_at, run.record.finished_at
    RUNS.inc(handler=run.record.handler, outcome=str(result.outcome))
    if started is not None and finished is not None:
        RUN_SECONDS.observe((finished - started).total_seconds(), handler=run.record.handler)


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
