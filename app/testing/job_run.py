"""What a test gets of one run."""

from dataclasses import dataclass, field

from app.alerts.base import AlertEvent
from app.jobs.record import RunOutcome, RunRecord
from app.xxl_job.executor.callback import Callback


@dataclass(frozen=True)
class JobRun:
    """A finished run, and everything it left behind."""

    record: RunRecord
    """As the ledger keeps it."""
    log: str = field(repr=False)
    """The job log: what the console's log view would show."""
    alerts: tuple[AlertEvent, ...]
    """Raised since the run began, if the runtime keeps its alerts in memory."""
    callbacks: tuple[Callback, ...]
    """What the console would be told: one, whatever happened."""
    exception: BaseException | None = None
    """What the handler raised."""
    abandoned: bool = False
    """Its result is fixed, and its body did not end."""

    @property
    def outcome(self) -> RunOutcome:
        """Compares with text, too: `run.outcome == "success"`."""
        assert self.record.outcome is not None  # noqa: S101 - the run is finished
        return self.record.outcome

    @property
    def code(self) -> int:
        """200 success, 500 failure, 502 timeout."""
        assert self.record.code is not None  # noqa: S101 - the run is finished
        return self.record.code

    @property
    def message(self) -> str:
        """The result as text, or why it failed."""
        return self.record.message

    @property
    def lines(self) -> list[str]:
        """The job log, line by line."""
        return self.log.splitlines()
