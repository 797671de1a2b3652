"""What one robot may take: a number of messages in any window, and pauses when it refuses or fails."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_LONGEST_HOLD_WINDOWS: Final = 5
_LONGEST_BACKOFF_FACTOR: Final = 30


@dataclass(frozen=True)
class Pace:
    """The limits of sending. The defaults are WeCom's; tests compress the minute."""

    limit: int = 20
    """Messages that a robot takes in a window."""
    window_seconds: float = 60
    fold_seconds: float = 60
    """How long after a message the same matter is counted instead of told again."""
    backoff_seconds: float = 1
    """The first pause after a failure; doubles up to thirty times this."""
    attempts: int = 5
    """Failures after which a message is given up."""
    queue_size: int = 1000
    """Matters that wait at most."""
    timeout_seconds: float = 5
    close_seconds: float = 3
    """How long closing may deliver what still waits."""


class RobotBudget:
    """A sliding window. A message's minute starts when its answer has arrived, so the robot's own count is never ahead.

    Used by one thread.
    """

    def __init__(self, pace: Pace, clock: Callable[[], float]) -> None:
        self._pace = pace
        self._clock = clock
        self._answered: deque[float] = deque(maxlen=pace.limit)
        self._blocked_until = 0.0
        self._holds = 0
        self._failures = 0

    def wait_seconds(self) -> float:
        """How long until the next message may go; 0 is now."""
        now = self._clock()
        free_at = self._answered[0] + self._pace.window_seconds if len(self._answered) == self._pace.limit else 0.0
        return max(free_at - now, self._blocked_until - now, 0.0)

    def answered(self) -> None:
        """The robot took a message."""
        self._answered.append(self._clock())
        self._holds = self._failures = 0

    def refused(self) -> None:
        """The robot says that it is too much: nothing until a whole window is over, longer when it repeats."""
        self._holds = min(self._holds + 1, _LONGEST_HOLD_WINDOWS)
        self._blocked_until = self._clock() + self._pace.window_seconds * self._holds

    def failed(self) -> None:
        """No usable answer came. The message may have arrived all the same, so it counts; the next waits a while."""
        self._answered.append(self._clock())
        factor = min(2**self._failures, _LONGEST_BACKOFF_FACTOR)
        self._failures += 1
        self._blocked_until = self._clock() + self._pace.backoff_seconds * factor
