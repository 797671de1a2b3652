"""The two numbers of XXL-JOB: the log id of a run and the job id of a handler."""

import zlib
from collections.abc import Callable
from typing import Final

Clock = Callable[[], float]
"""Seconds since the epoch."""

_INT31: Final = 0x7FFFFFFF  # executors in Java read a job id into an int


def now_ms(clock: Clock) -> int:
    return int(clock() * 1000)


class LogIds:
    """Strictly rising ids. They follow the millisecond clock, so those of a restarted console are new ones too."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0

    def take(self) -> int:
        self._last = max(self._last + 1, now_ms(self._clock))
        return self._last


class JobIds:
    """One id a handler name, the same in every process: executors queue, block and kill by it."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}

    def of(self, handler: str) -> int:
        """The checksum of the name; where another name holds it already, the next number that is free."""
        job_id = (zlib.crc32(handler.encode()) & _INT31) or 1
        while self._names.setdefault(job_id, handler) != handler:
            job_id = (job_id % _INT31) + 1
        return job_id
