"""Whether so much comes in that waiting a moment for more saves work."""

import time
from collections.abc import Callable
from typing import Final

LINGER_SECONDS: Final = 0.002
BRISK_PER_SECOND: Final = 1000.0
_MEASURED_SECONDS: Final = 0.02
_CURRENT_SECONDS: Final = 0.1


class Pace:
    """Counts what its owner takes. Under load a batch is let grow, which saves transactions; what comes alone never
    waits.
    """

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        brisk_per_second: float = BRISK_PER_SECOND,
    ) -> None:
        self._now = now
        self._sleep = sleep
        self._brisk_per_second = brisk_per_second
        self._since = now()
        self._count = 0
        self._was_brisk = False

    @property
    def is_brisk(self) -> bool:
        """By what was taken in the last moments."""
        return self._was_brisk and self._now() - self._since < _CURRENT_SECONDS

    def took(self, count: int) -> None:
        self._count += count
        passed = self._now() - self._since
        if passed >= _MEASURED_SECONDS:
            self._was_brisk = self._count >= passed * self._brisk_per_second
            self._since += passed
            self._count = 0

    def linger(self) -> None:
        """Lets more come, if much comes."""
        if self.is_brisk:
            self._sleep(LINGER_SECONDS)
