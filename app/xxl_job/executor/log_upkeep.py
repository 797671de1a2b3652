"""Old job logs: compressed, then deleted. Only what is named like a job log, and never one that a run still writes."""

import asyncio
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from app.common.logger import log
from app.common.supervision import failure_of_call
from app.xxl_job.executor.day_folder import RUNS_INDEX
from app.xxl_job.executor.packed_log import PACKED_BLOCK_BYTES, pack_block, packed_path, read_members

SETTLED_SECONDS: Final = 3600.0
"""A log that was written to more recently may still be another process's."""
WORTHWHILE_BYTES: Final = 4096
"""A file of one disk block stays as it is."""
PASS_SECONDS: Final = 3600.0
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_PLAIN: Final = re.compile(r"\d+(\.\d+)?\.log")
_LOG: Final = re.compile(r"\d+(\.\d+)?\.log(\.gz)?")
_BESIDE: Final = re.compile(r"\d+(\.\d+)?\.log(\.gz\.part|\.idx(\.\d+\.part)?)")
_LOWEST_PRIORITY: Final = 19
_MAX_DAYS: Final = 36_500

InUse = Callable[[Path], bool]


def expire(root: Path, today: date, keep_days: int, in_use: InUse) -> Iterator[Path]:
    """Deletes the logs of days before the last `keep_days`, one a step."""
    for folder in _folders_before(root, today, keep_days):
        names = sorted(entry.name for entry in _entries(folder))
        for name in names:
            with suppress(OSError):
                if _LOG.fullmatch(name) and not in_use(folder / name):
                    (folder / name).unlink()
                    yield folder / name
                elif _BESIDE.fullmatch(name):
                    (folder / name).unlink()
        with suppress(OSError):
            if {entry.name for entry in _entries(folder)} <= {RUNS_INDEX}:
                (folder / RUNS_INDEX).unlink(missing_ok=True)
                folder.rmdir()


def compress(root: Path, today: date, older_than_days: int, in_use: InUse, done: dict[Path, int]) -> Iterator[Path]:
    """Compresses logs of days older than that, a block a step: between steps it can be given up. 0 days: none.

    `done` remembers days that had nothing left to compress, so that their thousands of files aren't looked at again.
    """
    if not older_than_days:
        return
    for folder in _folders_before(root, today, older_than_days):
        state = folder.stat().st_mtime_ns
        if done.get(folder) == state:
            continue
        is_done = True
        for entry in _entries(folder):
            path = Path(entry.path)
            is_done = is_done and not _BESIDE.fullmatch(entry.name)
            with suppress(OSError):
                if entry.name.endswith(".part") and _BESIDE.fullmatch(entry.name) and _is_settled(path):
                    path.unlink()
                elif _PLAIN.fullmatch(entry.name) and path.stat().st_size > WORTHWHILE_BYTES:
                    is_done = False
                    if not in_use(path) and _is_settled(path):
                        yield from pack(path)
        if is_done:
            done[folder] = state
        yield folder


def pack(path: Path) -> Iterator[Path]:
    """`7.log` becomes `7.log.gz`, and is gone only after that is on disk. One that exists already is continued."""
    target, found = packed_path(path), path.stat()
    if not _is_copy(target, found):
        part = target.with_name(f"{target.name}.part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        try:
            with os.fdopen(descriptor, "wb") as file:
                for piece in _pieces(path, target, found.st_size):
                    file.write(piece)
                    yield path
                file.flush()
                os.fsync(file.fileno())
            os.utime(part, ns=(found.st_atime_ns, found.st_mtime_ns))
            if path.stat().st_size != found.st_size:
                return
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    path.unlink()
    path.with_name(f"{path.name}.idx").unlink(missing_ok=True)


def _pieces(path: Path, target: Path, size: int) -> Iterator[bytes]:
    with suppress(FileNotFoundError), target.open("rb") as earlier:
        while piece := earlier.read(PACKED_BLOCK_BYTES):
            yield piece
    with path.open("rb") as file:
        while data := file.read(min(PACKED_BLOCK_BYTES, size - file.tell())):
            yield pack_block(data)


def _is_copy(target: Path, found: os.stat_result) -> bool:
    """Whether a process was killed after it had compressed the log and before it deleted it."""
    try:
        with target.open("rb") as file:
            packed = os.fstat(file.fileno())
            index, _ = read_members(file.fileno(), packed.st_size)
    except FileNotFoundError:
        return False
    return packed.st_mtime_ns == found.st_mtime_ns and index.size_bytes >= found.st_size


def _is_settled(path: Path) -> bool:
    return time.time() - path.stat().st_mtime >= SETTLED_SECONDS


def _folders_before(root: Path, today: date, days: int) -> list[Path]:
    try:
        oldest = (today - timedelta(days=min(days, _MAX_DAYS))).isoformat()
    except OverflowError:
        return []
    names = sorted(
        entry.name for entry in _entries(root) if _DATE.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
    )
    return [root / name for name in names if name < oldest]


def _entries(folder: Path) -> list["os.DirEntry[str]"]:
    with suppress(OSError), os.scandir(folder) as entries:
        return list(entries)
    return []


class LogUpkeep:
    """Passes over the folder every hour, in a thread of its own at the lowest priority."""

    def __init__(self, tidy: Callable[[], Iterator[object]]) -> None:
        self._tidy = tidy

    async def run(self) -> None:
        """Until cancelled; then its thread has ended, too."""
        while True:
            await self._pass()
            await asyncio.sleep(PASS_SECONDS)

    async def _pass(self) -> None:
        loop, ended, stop = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

        def work() -> None:
            try:
                self._work(stop)
            finally:
                loop.call_soon_threadsafe(ended.set)

        thread = threading.Thread(target=work, name="job-log-upkeep", daemon=True)
        thread.start()
        try:
            await ended.wait()
        finally:
            stop.set()
            await ended.wait()
            thread.join()

    def _work(self, stop: threading.Event) -> None:
        if sys.platform == "linux":  # elsewhere it would be the whole process's priority
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWEST_PRIORITY)
        if error := failure_of_call(lambda: self._steps(stop)):
            log.bind(reason=str(error)).warning("old job logs neither compressed nor deleted")

    def _steps(self, stop: threading.Event) -> None:
        for _ in self._tidy():
            if stop.is_set():
                return
