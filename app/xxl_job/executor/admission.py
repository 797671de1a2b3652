"""Whether a trigger is new, and the record of a new one."""

from dataclasses import dataclass
from datetime import UTC, datetime

from app.common.trace import run_trace_id
from app.config.xxl_job_config import ExecutorConfiguration
from app.jobs.ledger import RunLedger
from app.jobs.record import RunOutcome, RunRecord, RunState
from app.xxl_job.executor.outbox import CallbackOutbox
from app.xxl_job.executor.protocol import Trigger


@dataclass(frozen=True)
class Admission:
    """Tells a second delivery from a new run."""

    ledger: RunLedger
    outbox: CallbackOutbox
    instance: str

    def find_known(self, trigger: Trigger, configuration: ExecutorConfiguration) -> RunRecord | None:
        """The run that this trigger already started, or None."""
        return self.ledger.find(self._run_id(trigger, configuration, self._attempt(trigger, configuration)))

    def build_record(self, trigger: Trigger, configuration: ExecutorConfiguration) -> RunRecord:
        attempt = self._attempt(trigger, configuration)
        return RunRecord(
            run_id=self._run_id(trigger, configuration, attempt),
            trigger="xxl-job",
            console=",".join(configuration.console_urls),
            log_id=trigger.log_id,
            log_date_time=trigger.log_date_time,
            job_id=trigger.job_id,
            handler=trigger.handler,
            param=trigger.param,
            shard_index=trigger.shard_index,
            shard_total=trigger.shard_total,
            attempt=attempt,
            instance=self.instance,
            trace_id=run_trace_id(configuration.app_name, trigger.log_id),
            state=RunState.ACCEPTED,
            accepted_at=datetime.now(UTC),
        )

    def _attempt(self, trigger: Trigger, configuration: ExecutorConfiguration) -> int:
        """1, and one more for each failure that the console was told of: ratchjob retries under the same ids."""
        attempt = 1
        while True:
            known = self.ledger.find(self._run_id(trigger, configuration, attempt))
            if known is None or known.outcome in {None, RunOutcome.SUCCESS} or self.outbox.is_untold(known.run_id):
                return attempt
            attempt += 1

    @staticmethod
    def _run_id(trigger: Trigger, configuration: ExecutorConfiguration, attempt: int) -> str:
        console = ",".join(configuration.console_urls)
        return f"{console}|{trigger.job_id}|{trigger.log_id}|{trigger.log_date_time}|{attempt}"
