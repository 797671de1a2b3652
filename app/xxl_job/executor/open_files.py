"""The job logs that hold a descriptor: a bounded number, whatever the number of runs."""

import threading
from typing import Final, Protocol

MOST_OPEN: Final = 256
_RELEASED_AT_ONCE: Final = 16


class Holder(Protocol):
    """Something with a descriptor that it can open again."""

    last_used: float

    def release_if_free(self) -> bool:
        """Closes the descriptor; False if the holder is being used right now."""
        ...


class OpenFiles:
    """Closes the least recently written ones when there are too many. Callable from any thread."""

    def __init__(self, most: int = MOST_OPEN) -> None:
        self._most = most
        self._holders: set[Holder] = set()
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return len(self._holders)

    def add(self, holder: Holder) -> None:
        with self._lock:
            self._holders.add(holder)
            if len(self._holders) <= self._most:
                return
            surplus = len(self._holders) - self._most + min(_RELEASED_AT_ONCE, self._most // 2)
            for other in sorted(self._holders, key=lambda one: one.last_used)[:surplus]:
                if other is not holder and other.release_if_free():
                    self._holders.discard(other)

    def discard(self, holder: Holder) -> None:
        with self._lock:
            self._holders.discard(holder)
