"""What the engine works with: narrow ports, so that a test can hold each of them in its hand."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from app.config.xxl_job_config import ExecutorConfiguration
from app.jobs.chain import RunChain
from app.jobs.ledger.base import RunLedger
from app.jobs.record import RunRecord
from app.jobs.registry import JobDefinition
from app.jobs.run import Run
from app.xxl_job.executor.protocol import Trigger

ABANDON_SECONDS: Final = 5.0


class Bodies(Protocol):
    """Starts and stops the bodies of runs."""

    def start(self, run: Run) -> None: ...

    def stop(self, run: Run) -> None: ...


class Outbox(Protocol):
    """Takes what the console is to be told."""

    @property
    def is_full(self) -> bool: ...

    def add(self, record: RunRecord) -> None:
        """Of a run whose outcome is stored; one that was told before is told again."""
        ...


@dataclass(frozen=True, kw_only=True)
class EngineParts:
    """What the engine works with."""

    definition_for: Callable[[Trigger], JobDefinition | None]
    instance: str
    ledger: RunLedger
    outbox: Outbox
    chain: RunChain
    runner: Bodies
    current: Callable[[], ExecutorConfiguration]
    post: Callable[..., None]
    """Brings an answer of the ledger, whatever thread it comes in, to the control loop."""
    call_later: Callable[..., asyncio.TimerHandle]
    now: Callable[[], float] = time.monotonic
    """Never the loop's own time: that may be the beginning of a long turn."""
    abandon_seconds: float = ABANDON_SECONDS
