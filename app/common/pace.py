"""Whether so much comes in that waiting a moment for more saves work."""

import time
from collections.abc import Callable
from typing import Final

_MEASURED_SECONDS: Final = 0.02
_CURRENT_SECONDS: Final = 0.1


class Pace:
    """Counts what comes. For who handles it in batches: at rest each at once, under load a few together."""

    def __init__(self, brisk_per_second: float, now: Callable[[], float] = time.monotonic) -> None:
        self._brisk_per_second = brisk_per_second
        self._now = now
        self._since = now()
        self._count = 0
        self._was_brisk = False

    @property
    def is_brisk(self) -> bool:
        """By what came in the last moments."""
        return self._was_brisk and self._now() - self._since < _CURRENT_SECONDS

    def count(self, number: int = 1) -> None:
        """So many came."""
        self._count += number
        passed = self._now() - self._since
        if passed >= _MEASURED_SECONDS:
            self._was_brisk = self._count >= passed * self._brisk_per_second
            self._since += passed
            self._count = 0
