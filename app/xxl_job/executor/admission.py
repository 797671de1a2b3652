"""Who a trigger is, and the record of a new run."""

from datetime import UTC, datetime
from functools import lru_cache

from app.common.trace import run_trace_id
from app.config.xxl_job_config import ExecutorConfiguration
from app.jobs.record import RunRecord, RunState, stepped
from app.xxl_job.executor.protocol import Trigger


def run_id_of(trigger: Trigger, configuration: ExecutorConfiguration) -> str:
    """The same for every delivery of the same run: console, job id, log id and the time of the trigger.

    The time comes first, so that new runs are neighbours in the ledger's index.
    """
    return f"{trigger.log_date_time}|{trigger.log_id}|{trigger.job_id}|{console_of(configuration)}"


def build_record(trigger: Trigger, configuration: ExecutorConfiguration, instance: str) -> RunRecord:
    return stepped(
        _blank(console_of(configuration), instance),
        run_id=run_id_of(trigger, configuration),
        log_id=trigger.log_id,
        log_date_time=trigger.log_date_time,
        job_id=trigger.job_id,
        handler=trigger.handler,
        param=trigger.param,
        shard_index=trigger.shard_index,
        shard_total=trigger.shard_total,
        trace_id=run_trace_id(configuration.app_name, trigger.log_id),
        accepted_at=datetime.now(UTC),
        timeout_seconds=trigger.timeout_seconds,
    )


@lru_cache(maxsize=16)
def _blank(console: str, instance: str) -> RunRecord:
    """What all runs of a console have in common."""
    return RunRecord(
        run_id="",
        trigger="xxl-job",
        console=console,
        log_id=0,
        log_date_time=0,
        job_id=0,
        handler="",
        param="",
        shard_index=0,
        shard_total=1,
        attempt=1,
        instance=instance,
        trace_id="",
        state=RunState.ACCEPTED,
    )


def console_of(configuration: ExecutorConfiguration) -> str:
    """The configured list, never the address a request came from."""
    return ",".join(configuration.console_urls)
