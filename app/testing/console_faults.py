"""How a fake console misbehaves."""

import threading
from collections import deque
from collections.abc import Iterable
from enum import StrEnum


class Fault(StrEnum):
    """What happens to a request while this is set."""

    REFUSE = "refuse"
    """HTTP 200 with code 500, as for a wrong token."""
    HTTP_500 = "http_500"
    GARBAGE = "garbage"
    DROP = "drop"
    """Closes the connection without an answer."""
    REDIRECT = "redirect"
    """To a login page, as a gateway does."""
    SLOW = "slow"
    """Takes the request at once and answers after `slow_seconds`; sooner when the fault is over."""
    HANG = "hang"
    """Takes nothing and answers nothing; closes the connection when the fault is over."""


class Faults:
    """Which fault the next request meets; callable from any thread."""

    def __init__(self, slow_seconds: float) -> None:
        self.slow_seconds = slow_seconds
        self._current: Fault | None = None
        self._script: deque[Fault | None] = deque()
        self._over = threading.Event()

    @property
    def current(self) -> Fault | None:
        return self._current

    def set(self, fault: Fault | None) -> None:
        """From now on; requests that an earlier fault holds are let go."""
        self._current = fault
        self.release()

    def script(self, faults: Iterable[Fault | None]) -> None:
        """For the next requests, one each; afterwards the fault that is set applies again."""
        self._script.extend(faults)

    def take(self) -> Fault | None:
        try:
            return self._script.popleft()
        except IndexError:
            return self._current

    def hold(self, seconds: float | None) -> None:
        """Returns after `seconds`, or when the fault is over."""
        self._over.wait(seconds)

    def release(self) -> None:
        """Lets go of the requests that are held; later ones are held anew."""
        over, self._over = self._over, threading.Event()
        over.set()
