"""The callback outbox: holds what the console must be told until it has said yes. In memory."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import islice
from typing import Final

from app.common.errors import UpstreamError
from app.common.logger import log
from app.xxl_job.executor.backoff import Backoff
from app.xxl_job.executor.callback import Callback

BATCH: Final = 200
BATCH_CHARACTERS: Final = 60_000
"""A message is sent twice, and escaped a character takes up to six bytes: proxies often refuse more than 1 MB."""
CAPACITY: Final = 100_000

Send = Callable[[Sequence[Callback]], Awaitable[None]]


class CallbackOutbox:
    """Sends in order, in batches, again and again until accepted. Belongs to the control loop."""

    def __init__(self, send: Send, *, capacity: int = CAPACITY, backoff: Backoff | None = None) -> None:
        """`send` raises UpstreamError when the console didn't accept."""
        self._send = send
        self._capacity = capacity
        self._backoff = backoff or Backoff()
        self._waiting: deque[Callback] = deque()
        self._pending: set[str] = set()
        self._under_way: frozenset[str] = frozenset()
        self._filled = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()

    def add(self, callback: Callback) -> None:
        self._waiting.append(callback)
        self._pending.add(callback.run_id)
        self._empty.clear()
        self._filled.set()

    def is_untold(self, run_id: str) -> bool:
        """Whether the console can't know that run's outcome yet; one on its way may have arrived."""
        return run_id in self._pending and run_id not in self._under_way

    def is_pending(self, run_id: str) -> bool:
        return run_id in self._pending

    @property
    def is_full(self) -> bool:
        """At the bound no new run is taken: no outcome is ever dropped."""
        return len(self._waiting) >= self._capacity

    def __len__(self) -> int:
        return len(self._waiting)

    async def run(self) -> None:
        """Sends until cancelled."""
        while True:
            await self._filled.wait()
            batch = list(self._next_batch())
            self._under_way = frozenset(callback.run_id for callback in batch)
            try:
                await self._send(batch)
            except UpstreamError as error:
                self._under_way = frozenset()
                delay = self._backoff.next()
                log.bind(waiting=len(self._waiting), retry_in=round(delay, 1), reason=error.message).warning(
                    "callback not accepted"
                )
                await asyncio.sleep(delay)
                continue
            self._backoff.reset()
            self._forget(batch)

    async def flush(self, seconds: float) -> int:
        """Waits until everything was accepted, at most `seconds`; returns how many callbacks are left."""
        try:
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        except TimeoutError:
            return len(self._waiting)
        return 0

    def _next_batch(self) -> Iterator[Callback]:
        characters = 0
        for callback in islice(self._waiting, BATCH):
            characters += len(callback.message)
            if callback is not self._waiting[0] and characters > BATCH_CHARACTERS:
                return
            yield callback

    def _forget(self, batch: list[Callback]) -> None:
        self._under_way = frozenset()
        for callback in batch:
            self._waiting.popleft()
            self._pending.discard(callback.run_id)
        if not self._waiting:
            self._filled.clear()
            self._empty.set()
