"""Who a trigger is, and the record of a new run."""

from datetime import UTC, datetime

from app.common.trace import run_trace_id
from app.config.xxl_job_config import ExecutorConfiguration
from app.jobs.record import RunRecord, RunState
from app.xxl_job.executor.protocol import Trigger


def run_id_of(trigger: Trigger, configuration: ExecutorConfiguration) -> str:
    """The same for every delivery of the same run: console, job id, log id and the time of the trigger."""
    return f"{console_of(configuration)}|{trigger.job_id}|{trigger.log_id}|{trigger.log_date_time}"


def build_record(trigger: Trigger, configuration: ExecutorConfiguration, instance: str) -> RunRecord:
    return RunRecord(
        run_id=run_id_of(trigger, configuration),
        trigger="xxl-job",
        console=console_of(configuration),
        log_id=trigger.log_id,
        log_date_time=trigger.log_date_time,
        job_id=trigger.job_id,
        handler=trigger.handler,
        param=trigger.param,
        shard_index=trigger.shard_index,
        shard_total=trigger.shard_total,
        attempt=1,
        instance=instance,
        trace_id=run_trace_id(configuration.app_name, trigger.log_id),
        state=RunState.ACCEPTED,
        accepted_at=datetime.now(UTC),
        timeout_seconds=trigger.timeout_seconds,
    )


def console_of(configuration: ExecutorConfiguration) -> str:
    """The configured list, never the address a request came from."""
    return ",".join(configuration.console_urls)
