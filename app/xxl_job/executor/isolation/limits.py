"""Limits of one run in its child, and the tie to the parent's life."""

import ctypes
import math
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from app.common.logger import log

_PR_SET_PDEATHSIG: Final = 1
_STATUS: Final = Path("/proc/self/status")
_MIB: Final = 1024 * 1024


def die_with_parent() -> None:
    """Linux: the kernel ends this process with its parent, even while C code holds the interpreter."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@contextmanager
def limited(memory_mb: int | None, cpu_seconds: int | None) -> Iterator[None]:
    """Beyond `memory_mb` more than there is now an allocation fails; beyond `cpu_seconds` more the kernel ends us."""
    wanted: dict[int, int] = {}
    if memory_mb is not None:
        present = _data_bytes()
        if present is None:
            log.bind(memory_mb=memory_mb).warning("memory limit not set: this system doesn't offer one")
        else:
            wanted[resource.RLIMIT_DATA] = present + memory_mb * _MIB
    if cpu_seconds is not None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        wanted[resource.RLIMIT_CPU] = math.ceil(used.ru_utime + used.ru_stime) + cpu_seconds
    former = {kind: resource.getrlimit(kind) for kind in wanted}
    for kind, soft in wanted.items():
        resource.setrlimit(kind, (_at_most(soft, former[kind][1]), former[kind][1]))
    try:
        yield
    finally:
        for kind, limits in former.items():
            resource.setrlimit(kind, limits)


def _at_most(soft: int, hard: int) -> int:
    return soft if hard == resource.RLIM_INFINITY else min(soft, hard)


def _data_bytes() -> int | None:
    """Private writable memory, as RLIMIT_DATA counts it on Linux."""
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData:")), None)
