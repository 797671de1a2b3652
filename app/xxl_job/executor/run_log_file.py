"""The job log of one run: a file that only grows."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from app.common.logger import log
from app.xxl_job.executor.day_folder import DayFolder
from app.xxl_job.executor.log_shelf import LogShelf
from app.xxl_job.executor.open_files import OpenFiles

LONGEST_WRITE_BYTES: Final = 256 * 1024
LOOK_SECONDS: Final = 0.1
"""How often it is looked whether the file is still there; at each line it would double its price."""
RETRY_SECONDS: Final = 1.0
_RECENT_BYTES: Final = 16 * 1024
"""What was written since the last look is remembered, and written again into a file that had to be made again."""
_CUT: Final = b" ... (line cut)\n"
_GONE: Final = b"... the file was removed or emptied: earlier lines are gone, only the last ones are repeated here\n"
_TRUNCATED: Final = "... truncated: the log of a run is bounded to {mb} MB (xxl-job.log_max_mb), the rest isn't kept\n"
_MOST_HELD_LINES: Final = 8
_NO_LIMIT: Final = 1 << 62
_CLOSED: Final = -1


class RunLogFile:
    """Takes lines from any thread, each with one unbuffered write: what a crashed process said last is in the file.

    With a shelf that holds, the lines of its first moments are written together, by the shelf's thread.
    A folder that was deleted is made again. Lines that can't be written are dropped, and `failure` says why.
    """

    def __init__(
        self,
        folder: DayFolder,
        log_id: int,
        log_date_time: int,
        *,
        files: OpenFiles | None = None,
        max_bytes: Callable[[], int] = lambda: _NO_LIMIT,
        on_close: Callable[["RunLogFile"], None] = lambda _: None,
        shelf: LogShelf | None = None,
    ) -> None:
        self.log_id = log_id
        self.log_date_time = log_date_time
        self.failure: str | None = None
        """Why lines are missing, in a word or two for the run's callback; None: none are."""
        self.last_used = 0.0
        self._folder = folder
        self._files = files
        self._max_bytes = max_bytes
        self._on_close = on_close
        self._lock = threading.RLock()  # the collector may end an object that logs, here too
        self._path: str | None = None
        self._descriptor = _CLOSED
        self._size = 0
        self._limit = _NO_LIMIT
        self._full_at = 0
        self._look_at = 0.0
        self._recent: list[bytes] = []
        self._recent_bytes = 0
        self._retry_at = 0.0
        self._dropped = 0
        self._closed = False
        self._shelf = shelf
        self._held: list[bytes] | None = [] if shelf is not None and shelf.may_hold() else None
        self._is_to_close = False

    @property
    def path(self) -> Path | None:
        """None before the first line."""
        return None if self._path is None else Path(self._path)

    @property
    def is_closed(self) -> bool:
        return self._is_to_close

    def write(self, text: str) -> None:
        """Called from within a log sink: never raises, never logs. A line that comes after `close` is dropped."""
        data = text.encode("utf-8", "replace")
        if data[-1:] != b"\n":
            data += b"\n"
        if len(data) > LONGEST_WRITE_BYTES:
            data = data[: LONGEST_WRITE_BYTES - len(_CUT)].decode("utf-8", "ignore").encode() + _CUT
        with self._lock:
            if self._is_to_close:
                return
            if self._held is None:
                self._write(data)
            else:
                self._hold(self._held, data)

    def write_held(self) -> None:
        """The shelf's moments are over: what was held is written, and every further line at once."""
        with self._lock:
            held, self._held = self._held, None
            if held:
                self._write(b"".join(held))
            if self._is_to_close:
                self.close()

    def close(self) -> None:
        """Closes the file; asked again, it does nothing. While lines are held, the shelf's thread closes it."""
        with self._lock:
            self._is_to_close = True
            if self._held or self._closed:
                return
            self._closed = True
            self._look_at = 0.0
            if self._descriptor != _CLOSED or self._dropped:
                self._look_last()
            self._release()
        if self._files is not None:
            self._files.discard(self)
        self._on_close(self)
        if self._shelf is not None:
            self._shelf.report(self.failure)
        if self.failure is not None:
            log.bind(log_id=self.log_id, folder=str(self._folder.path), reason=self.failure).warning(
                "job log not written, the run went on without it"
            )

    def release_if_free(self) -> bool:
        """Gives its descriptor back; the next line opens the file again."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            self._look_at = 0.0
            self._release()
        finally:
            self._lock.release()
        return True

    def _hold(self, held: list[bytes], data: bytes) -> None:
        held.append(data)
        if len(held) == 1 and self._shelf is not None:
            self._shelf.put(self)
        if len(data) > _RECENT_BYTES or len(held) > _MOST_HELD_LINES:
            self.write_held()

    def _write(self, data: bytes) -> None:
        now = self.last_used = time.monotonic()
        if (now >= self._look_at or self._recent_bytes >= _RECENT_BYTES) and not self._is_ready(now):
            return
        try:
            self._append(data)
        except OSError as error:
            self._fail(error, now)

    def _is_ready(self, now: float) -> bool:
        """Looks after the file, every now and then: whether it is open, still there, and how large it may be."""
        if self._closed or now < self._retry_at:
            self._dropped += 1
            return False
        try:
            self._look_after()
        except OSError as error:
            self._fail(error, now)
            return False
        self._look_at = now + LOOK_SECONDS
        return True

    def _look_after(self) -> None:
        size = self._size_on_disk()
        is_gone, self._size = size < self._size, size
        self._limit = self._max_bytes()
        recent, self._recent, self._recent_bytes = self._recent, [], 0
        if is_gone:
            self._full_at = 0
            for data in (_GONE, *recent):
                self._append(data)
        if self._dropped:
            lost, self._dropped = self._dropped, 0
            self._append(b"... lines lost here: %d (%s)\n" % (lost, (self.failure or "").encode()))

    def _look_last(self) -> None:
        try:
            self._look_after()
        except OSError as error:
            self._say_failed(error)

    def _size_on_disk(self) -> int:
        if self._descriptor != _CLOSED:
            found = os.fstat(self._descriptor)
            if found.st_nlink:
                return found.st_size
            self._release()
        return self._open()

    def _open(self) -> int:
        is_new = False
        if self._path is None:
            self._descriptor, self._path, is_new = self._folder.claim(self.log_id, self.log_date_time)
        else:
            self._descriptor = self._folder.reopen(self._path)
        if self._files is not None:
            self._files.add(self)
        if is_new:
            return 0
        size = os.fstat(self._descriptor).st_size
        if size and os.pread(self._descriptor, 1, size - 1) != b"\n":  # of a dead process, or of a full disk
            size += os.write(self._descriptor, b"\n")
        return size

    def _append(self, data: bytes) -> None:
        if self._full_at == self._limit or self._size + len(data) > self._limit:
            if self._full_at == self._limit:
                return
            self._full_at = self._limit
            data = _TRUNCATED.format(mb=self._limit >> 20).encode()
        self._recent.append(data)
        self._recent_bytes += len(data)
        written = os.write(self._descriptor, data)
        self._size += written
        while written < len(data):  # the disk is all but full; the next write says so
            data = data[written:]
            written = os.write(self._descriptor, data)
            self._size += written

    def _fail(self, error: OSError, now: float) -> None:
        self._say_failed(error)
        self._dropped += 1
        self._retry_at = now + RETRY_SECONDS
        self._look_at = 0.0
        self._release()

    def _release(self) -> None:
        descriptor, self._descriptor = self._descriptor, _CLOSED
        if descriptor == _CLOSED:
            return
        try:
            os.close(descriptor)
        except OSError as error:  # a network's disk may say only now that it is full
            self._say_failed(error)

    def _say_failed(self, error: OSError) -> None:
        if self.failure is None:
            self.failure = (error.strerror or type(error).__name__).lower()
