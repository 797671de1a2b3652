"""An outbox over the ledger's memory twin, and a console behind it that is a function."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from app.common.errors import UpstreamError
from app.jobs.ledger.base import RunLedger
from app.jobs.ledger.memory import MemoryRunLedger
from app.jobs.record import RunOutcome, RunRecord, RunState
from app.xxl_job.executor.backoff import Backoff
from app.xxl_job.executor.callback import Callback
from app.xxl_job.executor.outbox import CallbackOutbox
from app.xxl_job.executor.unreported import Unreported
from support.jobs_support import build_record


def finish(ledger: RunLedger, log_id: int, message: str = "ok", code: int = 200) -> RunRecord:
    """A run that the ledger has accepted and stored the outcome of."""
    record = build_record(log_id)
    ledger.accept(record, lambda _: None)
    outcome = RunOutcome.SUCCESS if code == 200 else RunOutcome.FAILED
    done = replace(record, state=RunState.DONE, outcome=outcome, code=code, message=message)
    ledger.update(done)
    return done


@dataclass
class Post:
    """Takes batches unless `refuses` says no."""

    refuses: Callable[[Sequence[int]], bool] = lambda _: False
    gate: asyncio.Event | None = None
    attempts: list[list[int]] = field(default_factory=list)
    taken: list[Callback] = field(default_factory=list)

    async def __call__(self, batch: Sequence[Callback]) -> None:
        log_ids = [one.log_id for one in batch]
        self.attempts.append(log_ids)
        if self.gate is not None:
            await self.gate.wait()
        if self.refuses(log_ids):
            raise UpstreamError("not now")
        self.taken += batch

    @property
    def log_ids(self) -> list[int]:
        return [one.log_id for one in self.taken]

    @property
    def counts(self) -> Counter[int]:
        return Counter(self.log_ids)


@dataclass
class OutboxDesk:
    """An outbox with all its parts within reach."""

    ledger: MemoryRunLedger
    outbox: CallbackOutbox
    post: Post

    def finish(self, *log_ids: int, message: str = "ok") -> None:
        for log_id in log_ids:
            self.outbox.add(finish(self.ledger, log_id, message))

    async def until(self, condition: Callable[[], Any], seconds: float = 5.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"waited in vain: {self.post.attempts[-5:]}"
            await asyncio.sleep(0.001)

    async def until_idle(self) -> None:
        """Nothing is left to send in memory or ledger."""
        assert await self.outbox.flush(5) == 0


@asynccontextmanager
async def open_outbox(
    post: Post,
    ledger: MemoryRunLedger | None = None,
    *,
    most: int = 1000,
    pauses: tuple[float, float] = (0.001, 0.004),
    **settings: Any,
) -> AsyncIterator[OutboxDesk]:
    """`most`: how many callbacks memory holds. `pauses`: the first and the longest."""
    ledger = ledger or MemoryRunLedger()
    outbox = CallbackOutbox(Unreported(ledger, most=most), post, backoffs=lambda: Backoff(*pauses), **settings)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(outbox.run())
        yield OutboxDesk(ledger, outbox, post)
        task.cancel()
