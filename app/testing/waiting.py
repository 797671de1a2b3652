"""Waiting for something to come true, with a deadline."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

WAIT_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 0.005


async def until(condition: Callable[[], Any], seconds: float = WAIT_SECONDS) -> Any:
    """Looks until `condition()` is truthy, and returns it; AssertionError after `seconds`."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:g} s")
        await asyncio.sleep(LOOK_SECONDS)
    return value
