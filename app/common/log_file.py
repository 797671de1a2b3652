"""The daily log file: `<folder>/<YYYY-MM-DD>/<stem>.log`. A file that can't be written is retried, quietly."""

import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from time import monotonic
from typing import Final

_FLAGS: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
_MODE: Final = 0o640
_NEWLINE: Final = ord("\n")

Opener = Callable[[Path], int]
Clock = Callable[[], datetime]


def local_now() -> datetime:
    """The present moment with the machine's offset."""
    return datetime.now(UTC).astimezone()


def open_for_append(path: Path) -> int:
    """A descriptor that appends to `path`; its folder is created if absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, _FLAGS, _MODE)


class DailyFile:
    """Appends batches of whole lines; follows the local date, and a file that was moved or deleted."""

    def __init__(
        self,
        folder: Path,
        stem: str,
        *,
        now: Clock = local_now,
        opener: Opener = open_for_append,
        retry_seconds: float = 1.0,
    ) -> None:
        self.folder = folder
        self.error: OSError | None = None
        """Why lines are not written at present."""
        self.lines_lost = 0
        """Lines that were not written since the file was last writable."""
        self._stem = stem
        self._now = now
        self._opener = opener
        self._retry_seconds = retry_seconds
        self._retry_at = 0.0
        self._torn = False
        self._descriptor = -1
        self._path = Path()

    def today(self) -> date:
        """The local date: the folder that lines go to."""
        return self._now().date()

    def write(self, data: bytes) -> bool:
        """Appends whole lines. False, with `error` set and `lines_lost` counted, if they were not all written."""
        if self.error is not None and monotonic() < self._retry_at:
            self.lines_lost += data.count(b"\n")
            return False
        whole = left = b"\n" + data if self._torn else data
        try:
            self._open_current()
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError as error:
            self.error = error
            self.lines_lost += min(left.count(b"\n"), data.count(b"\n"))
            if len(left) < len(whole):
                self._torn = whole[-len(left) - 1] != _NEWLINE
            self._retry_at = monotonic() + self._retry_seconds
            self.close()
            return False
        self.error = None
        self._torn = False
        return True

    def close(self) -> None:
        """Closes the descriptor; the next write opens it again."""
        if self._descriptor >= 0:
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = -1

    def _open_current(self) -> None:
        path = self.folder / self.today().isoformat() / f"{self._stem}.log"
        if self._descriptor >= 0 and path == self._path and self._is_in_place():
            return
        self.close()
        self._descriptor = self._opener(path)
        self._path = path

    def _is_in_place(self) -> bool:
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(self._descriptor))  # noqa: PTH116 - on the hot side
        except FileNotFoundError:
            return False
