"""Tells a body to stop: `threading.Event` for every run, most of which nobody ever waits for."""

import threading
from typing import Final

_making: Final = threading.Lock()


class StopFlag:
    """Set once, by any thread. The event behind it is made when somebody first waits: it costs more than the rest."""

    __slots__ = ("_event", "_is_set")

    def __init__(self) -> None:
        self._is_set = False
        self._event: threading.Event | None = None

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        self._is_set = True
        event = self._event
        if event is not None:
            event.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until it is set, or for `timeout` seconds; returns whether it is."""
        with _making:
            event = self._event = self._event or threading.Event()
        return self._is_set or event.wait(timeout)
