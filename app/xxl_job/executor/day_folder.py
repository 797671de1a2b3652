"""One day's folder of job logs, and which run each file belongs to.

A run's file is `<logId>.log`; a second run of that log id on the same day gets `<logId>.2.log`. Each run that makes a
file is noted in `runs.index` with its logDateTime: one write, which is read only where there are two of a kind.
"""

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, TypeVar

RUNS_INDEX: Final = "runs.index"
PACKED_SUFFIX: Final = ".gz"
_NEW: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
_OLD: Final = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
_MODE: Final = 0o640
_CHUNK_BYTES: Final = 1024 * 1024
_LONGEST_NOTE_BYTES: Final = 64
_TRIES: Final = 10
_TOGETHER_SECONDS: Final = 0.1
_MOST_TOGETHER: Final = 100
_PACKED_AFTER_SECONDS: Final = 20 * 3600
"""Nothing younger is ever compressed; to look for a file that isn't there costs as much as to make one."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class Noted:
    """A run that has a file here."""

    log_date_time: int
    number: int

    def is_meant_by(self, log_date_time: int) -> bool:
        """The console asks by its database's time: to the millisecond, cut to the second, or rounded to it."""
        own = self.log_date_time
        return log_date_time in (own, own // 1000 * 1000, (own + 500) // 1000 * 1000)


class Claim(NamedTuple):
    """A run's file, open for reading and appending."""

    descriptor: int
    path: str
    is_new: bool


class DayFolder:
    """Callable from any thread. Raises OSError where the folder can't be written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._prefix = f"{path}{os.sep}"
        self._lock = threading.RLock()
        self._index: int | None = None
        self._notes: list[bytes] = []
        self._written_at = 0.0

    def name_of(self, log_id: int, number: int) -> str:
        """The full path."""
        return f"{self._prefix}{log_id}.log" if number == 1 else f"{self._prefix}{log_id}.{number}.log"

    def claim(self, log_id: int, log_date_time: int) -> Claim:
        """The run's own file. A run that was here before gets the file it had."""
        with self._lock:
            return self._in_folder(lambda: self._claim(log_id, log_date_time))

    def reopen(self, path: str) -> int:
        """The file of a run that had claimed it; made anew where it is gone."""
        with self._lock:
            return self._in_folder(lambda: os.open(path, _OLD, _MODE))

    def find(self, log_id: int, log_date_time: int) -> int | None:
        """The number of the file of that run; None if no note says so."""
        meant = [noted.number for noted in self.noted(log_id) if noted.is_meant_by(log_date_time)]
        return meant[-1] if meant else None

    def noted(self, log_id: int) -> list[Noted]:
        """The runs of a log id, oldest first."""
        try:
            with open(self._prefix + RUNS_INDEX, "rb") as file:  # noqa: PTH123 - not worth a Path
                return list(_notes_of(log_id, file))
        except OSError:  # no index
            return []

    def close(self) -> None:
        with self._lock:
            self._release()

    def _in_folder(self, work: Callable[[], _T]) -> _T:
        """Makes the folder where it is not there, and again where it is being removed just now."""
        for _ in range(_TRIES):
            try:
                return work()
            except FileNotFoundError:
                self._notes.clear()
                self._release()
            with suppress(FileNotFoundError):
                self.path.mkdir(parents=True, exist_ok=True)
        return work()

    def _claim(self, log_id: int, log_date_time: int) -> Claim:
        may_be_packed = log_date_time < (time.time() - _PACKED_AFTER_SECONDS) * 1000
        path = self.name_of(log_id, 1)
        if may_be_packed and os.access(path + PACKED_SUFFIX, os.F_OK):
            return self._claim_other(log_id, log_date_time)
        try:
            descriptor = os.open(path, _NEW, _MODE)
        except FileExistsError:
            return self._claim_other(log_id, log_date_time)
        self._note(log_id, log_date_time, 1)
        return Claim(descriptor, path, is_new=True)

    def _claim_other(self, log_id: int, log_date_time: int) -> Claim:
        """`<logId>.log` exists: it, or a numbered one, may be this run's own; a file of unknown origin is shared."""
        if self._notes:
            self._write_notes()
        noted = self.noted(log_id)
        own = next((run.number for run in noted if run.log_date_time == log_date_time), None if noted else 1)
        if own is not None:
            if not noted:
                self._note(log_id, log_date_time, own)
            path = self.name_of(log_id, own)
            return Claim(os.open(path, _OLD, _MODE), path, is_new=False)
        number = max(run.number for run in noted) + 1
        while True:
            path = self.name_of(log_id, number)
            try:
                descriptor = os.open(path, _NEW, _MODE)
            except FileExistsError:  # of another process, just now
                number += 1
                continue
            self._note(log_id, log_date_time, number)
            return Claim(descriptor, path, is_new=True)

    def _note(self, log_id: int, log_date_time: int, number: int) -> None:
        """At once, unless runs come by the hundred: then together, at the price that a kill -9 takes the last ones."""
        self._notes.append(b"\n%d %d %d;" % (log_id, log_date_time, number))
        now = time.monotonic()
        if number > 1 or now >= self._written_at + _TOGETHER_SECONDS or len(self._notes) >= _MOST_TOGETHER:
            self._written_at = now
            self._write_notes()

    def _write_notes(self) -> None:
        notes, self._notes = self._notes, []
        with suppress(OSError):  # without the note a second run of the id shares the file
            if self._index is None:
                self._index = os.open(self._prefix + RUNS_INDEX, _OLD, _MODE)
            os.write(self._index, b"".join(notes))

    def _release(self) -> None:
        if self._notes:
            self._write_notes()
        if self._index is not None:
            os.close(self._index)
            self._index = None


def _notes_of(log_id: int, file: BinaryIO) -> Iterator[Noted]:
    begin, note, rest = b"\n%d " % log_id, re.compile(rb"\n\d+ (-?\d+) (\d+);"), b""
    while chunk := file.read(_CHUNK_BYTES):
        text, seen = rest + chunk, 0
        position = text.find(begin)
        while position >= 0:
            if match := note.match(text, position):
                yield Noted(int(match[1]), int(match[2]))
                seen = match.end()
            position = text.find(begin, position + 1)
        rest = text[max(seen, len(text) - _LONGEST_NOTE_BYTES) :]
