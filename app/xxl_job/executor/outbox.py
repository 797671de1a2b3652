"""The callback outbox: tells the console every outcome that the ledger has stored, until it has said yes."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from app.common.errors import AppError
from app.common.logger import log
from app.common.pace import Pace
from app.common.supervision import failure_of
from app.jobs.record import RunRecord
from app.xxl_job.executor.backoff import Backoff
from app.xxl_job.executor.callback import Callback
from app.xxl_job.executor.refused import RefusedCallbacks
from app.xxl_job.executor.triage import Triage
from app.xxl_job.executor.unreported import Unreported

BATCH: Final = 500
BATCH_BYTES: Final = 400_000
"""Proxies often refuse more than 1 MB."""
CAPACITY: Final = 100_000
LONGEST_PAUSE_SECONDS: Final = 30.0
RESCAN_SECONDS: Final = 60.0
"""How often an idle outbox asks the ledger whether it has overlooked something."""
BRISK_PER_SECOND: Final = 200.0
LINGER_SECONDS: Final = 0.002
"""A request with one callback costs nearly as much as one with ten."""
MOST_APART: Final = 1_000
"""So many refused callbacks stay in memory: a window full of them would leave no room for others."""

Send = Callable[[Sequence[Callback]], Awaitable[None]]


def new_backoff() -> Backoff:
    return Backoff(longest=LONGEST_PAUSE_SECONDS)


class CallbackOutbox:
    """A view of the ledger: sends what is unreported there, in batches, again and again until accepted.

    One request is under way at a time, and the next takes all that came meanwhile. Belongs to the control loop.
    """

    def __init__(
        self,
        unreported: Unreported,
        send: Send,
        *,
        capacity: int = CAPACITY,
        most_apart: int = MOST_APART,
        rescan_seconds: float = RESCAN_SECONDS,
        backoffs: Callable[[], Backoff] = new_backoff,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`send` raises when the console didn't accept, and then none of the callbacks counts as told."""
        self._unreported = unreported
        self._send = send
        self._capacity = capacity
        self._most_apart = most_apart
        self._clock = clock
        self._backoff = backoffs()
        self._pace = Pace(BRISK_PER_SECOND, clock)
        self._triage = Triage(BATCH)
        self._refused = RefusedCallbacks(backoffs, clock)
        self._is_others_turn = False
        """One that was refused has just been tried: those that weren't come next, however many are due again."""
        self._suspects: list[Callback] = []
        """Refused alone since the console last took something: their fault, or the console's."""
        self._read_after = 0.0
        self._rescan_seconds = rescan_seconds
        self._rescan_at = clock() + rescan_seconds
        self._news = asyncio.Event()
        self._woken = asyncio.Event()
        self._empty = asyncio.Event()

    def add(self, record: RunRecord) -> None:
        """Call when the ledger has stored the outcome. Known already, or told before: then it is sent again."""
        self._unreported.add(record)
        self._pace.count()
        self._empty.clear()
        self._news.set()

    @property
    def is_full(self) -> bool:
        """At the bound no new run is taken: no outcome is ever dropped."""
        return len(self._unreported) >= self._capacity

    def __len__(self) -> int:
        return len(self._unreported)

    def wake(self, *, anew: bool = False) -> None:
        """The console showed a sign of life: the pause is over. `anew`: for callbacks that it refused, too."""
        if anew:
            self._refused.release()
        self._woken.set()
        self._news.set()

    async def run(self) -> None:
        """Sends until cancelled."""
        while True:
            await self._fill()
            if self._pace.is_brisk:
                await asyncio.sleep(LINGER_SECONDS)
            callback = None if self._triage.is_down or self._is_others_turn else self._refused.take_due()
            self._is_others_turn = callback is not None
            if callback is not None:
                await self._send_again(callback)
            elif batch := self._next_batch():
                await self._send_next(batch)
            elif self._suspects:
                self._unreported.give_back(self._suspects)
                self._suspects = []
            else:
                await self._rest()

    async def flush(self, seconds: float) -> int:
        """Waits until everything was accepted, at most `seconds`; returns how many callbacks are left."""
        self.wake(anew=True)
        try:
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        except TimeoutError:
            return len(self._unreported)
        return 0

    async def _fill(self) -> None:
        """Reads on in the ledger when memory has nothing left to send."""
        now = self._clock()
        if self._unreported.has_ready or now < self._read_after:
            return
        if now >= self._rescan_at:
            self._rescan_at = now + self._rescan_seconds
            self._unreported.look_again()
        if not self._unreported.is_behind:
            return
        error = await failure_of(self._unreported.refill())
        if error is not None:
            log.bind(reason=str(error)).error("unreported runs can't be read from the ledger")
            self._read_after = self._clock() + self._backoff.next()

    def _next_batch(self) -> list[Callback]:
        if self._triage.is_down:  # the one that was refused may have neighbours of its kind
            return self._unreported.take_last()
        return self._unreported.take(self._triage.limit, BATCH_BYTES)

    async def _send_next(self, batch: list[Callback]) -> None:
        self._woken.clear()
        error = await failure_of(self._send(batch))
        if error is None:
            self._accepted(batch)
            return
        opinions = len(self._suspects)
        if not self._triage.refused(len(batch)):
            self._unreported.give_back(batch)
            return
        self._suspects += batch
        if opinions or not self._unreported.has_ready:
            await self._pause(error)

    def _accepted(self, batch: list[Callback]) -> None:
        self._unreported.told(batch)
        self._triage.accepted(len(batch))
        self._backoff.reset()
        suspects, self._suspects = self._suspects, []
        for callback in suspects:
            self._set_apart(callback)

    def _set_apart(self, callback: Callback) -> None:
        if len(self._refused) >= self._most_apart:
            self._refused.forget(callback)
            self._unreported.leave(callback)
            self._read_after = self._clock() + self._backoff.longest
            return
        self._refused.add(callback)

    async def _send_again(self, callback: Callback) -> None:
        error = await failure_of(self._send([callback]))
        if error is None:
            self._refused.forget(callback)
            self._unreported.told([callback])
            return
        pause = self._refused.add(callback)
        self._refused.hold_on()
        log.bind(log_id=callback.log_id, retry_in=round(pause, 1), reason=_reason(error)).warning(
            "callback refused alone, others go on"
        )

    async def _pause(self, error: Exception) -> None:
        """Ends early for a sign of life, and for a callback that could tell whether it was the other one's fault."""
        delay = self._backoff.next()
        log.bind(waiting=len(self), retry_in=round(delay, 1), reason=_reason(error)).warning("callback not accepted")
        if not self._woken.is_set():
            await self._sleep(self._news if len(self._suspects) == 1 else self._woken, delay)

    async def _rest(self) -> None:
        """Until something is added or due."""
        now, due = self._clock(), self._refused.wait_seconds
        look = self._read_after if self._unreported.is_behind else self._rescan_at
        if not self._unreported:
            self._empty.set()
        waits = [max(0.0, look - now), *([] if due is None else [due])]
        await self._sleep(self._news, min(waits))

    async def _sleep(self, until: asyncio.Event, seconds: float) -> None:
        self._news.clear()
        try:
            async with asyncio.timeout(seconds):
                await until.wait()
        except TimeoutError:
            return


def _reason(error: Exception) -> str:
    return error.message if isinstance(error, AppError) else f"{type(error).__name__}: {error}"
