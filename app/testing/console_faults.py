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


class Met:
    """The fault that one request meets, or none."""

    def __init__(self, fault: Fault | None, over: threading.Event) -> None:
        self.fault = fault
        self._over = over

    def hold(self, seconds: float | None) -> None:
        """Returns after `seconds`, or when the fault is over."""
        self._over.wait(seconds)


class Faults:
    """Which fault the next request meets; callable from any thread."""

    def __init__(self, slow_seconds: float) -> None:
        self.slow_seconds = slow_seconds
        self.requests = 0
        """How many have come, those included that hang."""
        self._current: Fault | None = None
        self._script: deque[Fault | None] = deque()
        self._over = threading.Event()
        self._lock = threading.Lock()

    @property
    def current(self) -> Fault | None:
        return self._current

    def set(self, fault: Fault | None) -> None:
        """From now on; requests that an earlier fault holds are let go."""
        with self._lock:
            self._current = fault
            over, self._over = self._over, threading.Event()
        over.set()

    def script(self, faults: Iterable[Fault | None]) -> None:
        """For the next requests, one each; afterwards the fault that is set applies again."""
        with self._lock:
            self._script.extend(faults)

    def meet(self) -> Met:
        with self._lock:
            self.requests += 1
            return Met(self._script.popleft() if self._script else self._current, self._over)
