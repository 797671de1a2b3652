"""The job log of one run: a file that only grows."""

import os
import threading
from pathlib import Path
from typing import Final

from app.common.logger import log
from app.xxl_job.executor.line_index import LineIndex

LONGEST_WRITE_BYTES: Final = 256 * 1024
_CUT: Final = b" ... (line cut)\n"
_CHUNK_BYTES: Final = 1024 * 1024


class RunLogFile:
    """Takes lines from any thread. A folder that was deleted is made again; one that can't be written is skipped."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.index = LineIndex()
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._failure: str | None = None
        self._closed = False

    def write(self, text: str) -> None:
        """Called from within a log sink: must not log."""
        data = text.encode("utf-8", "replace")
        if not data.endswith(b"\n"):
            data += b"\n"
        if len(data) > LONGEST_WRITE_BYTES:
            data = data[: LONGEST_WRITE_BYTES - len(_CUT)].decode("utf-8", "ignore").encode() + _CUT
        with self._lock:
            if self._failure is None and not self._closed:
                self._failure = self._append(data)

    @property
    def is_closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._release()
        if self._failure is not None:
            log.bind(path=str(self.path), reason=self._failure).warning(
                "job log not written, the run went on without it"
            )

    def _append(self, data: bytes) -> str | None:
        """None when everything was written, else why not."""
        try:
            written = os.write(self._writable(), data)
        except OSError as error:
            return error.strerror or type(error).__name__
        self.index.extend(data[:written])
        return None if written == len(data) else "no space left"

    def _writable(self) -> int:
        if self._descriptor is not None and os.fstat(self._descriptor).st_nlink:
            return self._descriptor
        self._release()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        self.index = index_file(self.path)
        return self._descriptor

    def _release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def index_file(path: Path) -> LineIndex:
    """The index of what is in the file now; an empty one when there is no file."""
    index = LineIndex()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                index.extend(chunk)
    except OSError:
        return LineIndex()
    return index
