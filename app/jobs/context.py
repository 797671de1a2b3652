"""The run as its handler sees it: a frozen object, not a global."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.config.snapshot import Snapshot
from app.jobs.stop_flag import StopFlag
from app.runtime import Runtime

if TYPE_CHECKING:
    from loguru import Logger


@dataclass(frozen=True)
class JobContext:
    """One run of one job."""

    job_id: int
    log_id: int
    handler: str
    param: str
    """The parameter as the console sent it."""
    args: Any
    """The parameter parsed by the job's own model; None for a job without one."""
    shard_index: int
    shard_total: int
    deadline: datetime | None
    attempt: int
    trace_id: str
    log: "Logger" = field(repr=False)
    """Lines go to the run's job log and to the process's log."""
    snapshot: Snapshot = field(repr=False)
    runtime: Runtime = field(repr=False)
    stop_event: StopFlag = field(default_factory=StopFlag, repr=False)

    def should_stop(self) -> bool:
        """Whether the run was killed or timed out. A plain function must ask: nobody can end its thread."""
        return self.stop_event.is_set()
