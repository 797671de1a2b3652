"""Draining begins with the signal, under whichever server the application runs: readiness goes off first."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from starlette.datastructures import State

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def noticed_signals(state: State) -> Iterator[None]:
    """Sets `state.is_draining` when the server is told to stop, then lets the server's own handler do its part.

    Where the server takes no signals (a test's thread), nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    servers = {number: signal.getsignal(number) for number in STOP_SIGNALS}

    def notice(number: int, frame: FrameType | None) -> None:
        state.is_draining = True
        handler = servers[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    taken = [number for number, handler in servers.items() if callable(handler)]
    for number in taken:
        signal.signal(number, notice)
    try:
        yield
    finally:
        for number in taken:
            if signal.getsignal(number) is notice:
                signal.signal(number, servers[number])
