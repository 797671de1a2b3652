"""The one place a job has: its running run, and those that wait for it."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from app.jobs.run import Run


@dataclass
class Slot:
    running: Run
    queue: deque[Run] = field(default_factory=deque)
    timer: asyncio.TimerHandle | None = None
    abandoned: bool = False
    """The running run was stopped and goes on nevertheless: nothing may start beside it."""

    def set_timer(self, timer: asyncio.TimerHandle | None) -> None:
        if self.timer is not None:
            self.timer.cancel()
        self.timer = timer
