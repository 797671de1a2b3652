"""Waiting for something to become true, with a deadline instead of a sleep."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(find: Callable[[], T | None], *, seconds: float = 10.0, what: str = "") -> T:
    """The first truthy answer of `find`; fails the test after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := find()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not seen within {seconds:g} s: {what or find}")
        time.sleep(0.02)
    return found
