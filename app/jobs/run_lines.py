"""The first and the last line of every run's log, put together by hand: they are written for every run."""

import re
from functools import lru_cache
from typing import Final

from app.common import log_direct
from app.common.log_direct import LineFields, Place
from app.common.log_format import render_fields
from app.common.logger import log
from app.common.trace import w3c_trace_id
from app.jobs.record import RunOutcome, RunRecord
from app.jobs.result import RunResult
from app.jobs.run import Run

SHOWN_LENGTH: Final = 1000
_LEVELS: Final = {RunOutcome.SUCCESS: "INFO", RunOutcome.FAILED: "ERROR"}
_STARTED: Final = Place(__name__, "write_started", 0)
_FINISHED: Final = Place(__name__, "write_finished", 0)
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.\-]+")


def fields_of(record: RunRecord) -> LineFields:
    """What every line of `ctx.log` says of its run."""
    values = {"job": record.handler, "job_id": record.job_id, "log_id": record.log_id}
    return LineFields(values, f"{_job(record.handler)} job_id={record.job_id} log_id={record.log_id}")


def write_started(run: Run, fields: LineFields) -> None:
    """Carries the trace id and its W3C form."""
    record, direct = run.record, log_direct.current.log
    trace = record.trace_id
    values = {
        **fields.values,
        "shard": f"{record.shard_index}/{record.shard_total}",
        "attempt": record.attempt,
        "trace": trace,
        "w3c_trace": w3c_trace_id(trace),
    }
    if not direct.stands_for_loguru():
        log.bind(**values).info("run started")
        return
    text = None
    if _PLAIN.fullmatch(trace):
        text = (
            f"{fields.text} shard={values['shard']} attempt={record.attempt} trace={trace} "
            f"w3c_trace={values['w3c_trace']}"
        )
    direct.write("INFO", _STARTED, "run started", LineFields(values, text))


def write_finished(run: Run, result: RunResult) -> None:
    """With the stack of what went wrong."""
    direct, fields = log_direct.current.log, fields_of(run.record)
    level, shown = _LEVELS.get(result.outcome, "WARNING"), result.message[:SHOWN_LENGTH]
    values = {**fields.values, "outcome": result.outcome.value, "result": shown}
    if result.exception is not None or not direct.stands_for_loguru():
        log.bind(**values).opt(exception=result.exception).log(level, "run finished")
        return
    ending = render_fields({"result": shown}) if shown else ' result=""'
    text = f"{fields.text} outcome={result.outcome.value}{ending}"
    direct.write(level, _FINISHED, "run finished", LineFields(values, text))


@lru_cache(maxsize=1024)
def _job(handler: str) -> str:
    return render_fields({"job": handler})
