"""Draining begins with the signal, under whichever server the application runs: readiness goes off first."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import parent_process
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


@contextmanager
def ended_with_parent() -> Iterator[None]:
    """A worker whose parent was killed drains and ends: nobody would replace or stop it, and it would hold the port."""
    parent = parent_process()
    if parent is None:
        yield
        return
    loop, sentinel = asyncio.get_running_loop(), parent.sentinel

    def end() -> None:
        loop.remove_reader(sentinel)
        signal.raise_signal(signal.SIGTERM)

    loop.add_reader(sentinel, end)
    try:
        yield
    finally:
        loop.remove_reader(sentinel)
