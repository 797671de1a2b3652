"""The one place a job has: its running run, those that wait for it, and what it was left with."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from app.config.settings import XxlJobSettings
from app.jobs.run import Run
from app.xxl_job.executor import protocol
from app.xxl_job.executor.protocol import BlockStrategy

STILL_EXECUTING = "previous run still executing; use isolation=process"


@dataclass
class Slot:
    """Exists while the job has anything here."""

    running: Run | None = None
    """Started, or waiting for a free place among all runs."""
    queue: deque[Run] = field(default_factory=deque)
    storing: int = 0
    """Runs on their way into the ledger: the job is not idle any more."""
    abandoned: set[Run] = field(default_factory=set)
    """Runs with an outcome whose bodies go on nevertheless."""
    timer: asyncio.TimerHandle | None = None

    def set_timer(self, timer: asyncio.TimerHandle | None) -> None:
        """One at a time: the timeout, then the patience with a body that was asked to end."""
        if self.timer is not None:
            self.timer.cancel()
        self.timer = timer

    def is_blocked(self, limits: XxlJobSettings) -> bool:
        """Nothing may start beside a body that was abandoned, unless the settings say so."""
        return bool(self.abandoned) and not limits.overlap_after_abandon

    def is_busy(self, limits: XxlJobSettings) -> bool:
        return self.has_work or self.is_blocked(limits)

    @property
    def has_work(self) -> bool:
        return self.running is not None or bool(self.queue) or self.storing > 0

    @property
    def is_empty(self) -> bool:
        return not self.has_work and not self.abandoned

    def find_refusal(self, strategy: BlockStrategy, limits: XxlJobSettings, *, storing: int) -> str | None:
        """Why a run can't be taken, or None. `storing`: how many others are to be counted as if they were here."""
        if self.is_blocked(limits):
            return STILL_EXECUTING
        present = len(self.queue) + storing + (self.running is not None)
        if strategy is BlockStrategy.DISCARD_LATER and present:
            return protocol.DISCARDED
        if strategy is BlockStrategy.SERIAL and present > limits.queue_size:
            return f"the queue of this job is full: {limits.queue_size} runs are waiting"
        return None
