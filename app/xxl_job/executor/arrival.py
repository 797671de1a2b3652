"""When a request can have reached this machine at the earliest, though nobody looked at its socket then."""

from collections.abc import Callable
from typing import Final

TICK_SECONDS: Final = 0.1
_LATE_SECONDS: Final = 2 * TICK_SECONDS


class ArrivalClock:
    """Ticks on the control loop. A tick that comes late shows that the loop, or the whole process, stood still.

    What is read then may have waited since before: it is taken to have come with the last tick in time but one, for a
    connection is accepted in one turn of the loop and read in the next.
    """

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        now = time()
        self._former, self._last = now, now
        self._waited_since, self._until = now, now

    def tick(self) -> None:
        """To be called every `TICK_SECONDS`."""
        now = self._time()
        if now - self._last > _LATE_SECONDS:
            self._waited_since, self._until = self._former, now + TICK_SECONDS
        self._former, self._last = self._last, now

    def arrival(self) -> float:
        """Of what is read at this moment: never later than the truth, at most some ticks earlier."""
        now = self._time()
        if now - self._last > _LATE_SECONDS:
            return self._former
        return self._waited_since if now < self._until else now
