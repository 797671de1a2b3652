"""What the console hasn't been told: a window of it in memory, the rest in the ledger."""

import asyncio
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Final

from app.jobs.ledger.base import RunLedger
from app.jobs.record import RunRecord
from app.xxl_job.executor.callback import Callback, build_callback

WINDOW: Final = 5_000
WINDOW_CHARACTERS: Final = 16_000_000
PAGE: Final = 500
_REMEMBERED: Final = 1_000
_ITEM_BYTES: Final = 160
_ESCAPED_BYTES: Final = 6


class Unreported:
    """Hands out callbacks in order. Belongs to the control loop; the ledger is read in a thread.

    While the ledger holds more than memory does (`is_behind`), what is added is only counted: it is in the ledger
    already. A pass over the ledger begins at its oldest run and is repeated until one found everything.
    """

    def __init__(self, ledger: RunLedger, *, most: int = WINDOW, most_characters: int = WINDOW_CHARACTERS) -> None:
        self._ledger = ledger
        self._most = most
        self._most_characters = most_characters
        self._ready: deque[Callback] = deque()
        self._held: dict[str, int] = {}
        """The runs in memory, handed out or not, and the length of their messages."""
        self._characters = 0
        self._told: tuple[set[str], set[str]] = (set(), set())
        """The latest that the console took: the ledger may still be writing that down."""
        self._cursor = 0
        self._missed = False
        self._beyond = 0
        self.is_behind = True
        """The ledger may hold what memory does not; so it is at first."""

    def __len__(self) -> int:
        """What is known of: a former process may have left more in the ledger."""
        return len(self._held) + self._beyond

    def __bool__(self) -> bool:
        return bool(self._held) or self.is_behind

    @property
    def has_ready(self) -> bool:
        return bool(self._ready)

    def add(self, record: RunRecord) -> None:
        """Of a run whose outcome the ledger has stored."""
        if record.run_id in self._held:
            return
        if self.is_behind or self._is_full:
            self.is_behind = self._missed = True
            self._beyond += 1
            return
        self._hold(build_callback(record))

    def look_again(self) -> None:
        """The ledger may hold what nobody told of: an outcome that a sick disk took late."""
        self.is_behind = True

    def take(self, most: int, most_bytes: int) -> list[Callback]:
        """The next ones, at least one if there is any."""
        batch = list(self._fitting(most, most_bytes))
        for _ in batch:
            self._ready.popleft()
        return batch

    def take_last(self) -> list[Callback]:
        """The newest of those in memory, if there is any."""
        return [self._ready.pop()] if self._ready else []

    def give_back(self, batch: list[Callback]) -> None:
        """They were not taken: they come first again."""
        self._ready.extendleft(reversed(batch))

    def leave(self, callback: Callback) -> None:
        """Out of memory, to be found in the ledger by a later pass."""
        self._drop(callback)
        self._beyond += 1
        self.is_behind = self._missed = True

    def told(self, batch: list[Callback]) -> None:
        """The console has taken them."""
        for callback in batch:
            self._drop(callback)
        if len(self._told[0]) > _REMEMBERED:
            self._told = (set(), self._told[0])
        self._told[0].update(callback.run_id for callback in batch)
        self._ledger.mark_reported([callback.run_id for callback in batch])

    async def refill(self) -> None:
        """Reads the next page of the ledger. Raises what the ledger raises."""
        if self._cursor == 0:
            self._missed = False
        page = await asyncio.to_thread(self._ledger.list_unreported, PAGE, self._cursor)
        for record in page:
            if self._is_full:
                return
            self._cursor = record.sequence
            if record.run_id not in self._held and not any(record.run_id in told for told in self._told):
                self._hold(build_callback(record))
                self._beyond = max(0, self._beyond - 1)
        if not page:
            self._cursor = 0
            if not self._missed:
                self.is_behind, self._beyond = False, 0

    @property
    def _is_full(self) -> bool:
        return len(self._held) >= self._most or self._characters >= self._most_characters

    def _hold(self, callback: Callback) -> None:
        self._held[callback.run_id] = len(callback.message)
        self._characters += len(callback.message)
        self._ready.append(callback)

    def _drop(self, callback: Callback) -> None:
        self._characters -= self._held.pop(callback.run_id, 0)

    def _fitting(self, most: int, most_bytes: int) -> Iterator[Callback]:
        total = 0
        for number, callback in enumerate(islice(self._ready, most)):
            total += _size(callback)
            if number and total > most_bytes:
                return
            yield callback


def _size(callback: Callback) -> int:
    """About the bytes in a request: a message is sent twice, and escaped where it isn't ASCII."""
    letters = len(callback.message) * (1 if callback.message.isascii() else _ESCAPED_BYTES)
    return _ITEM_BYTES + 2 * letters
