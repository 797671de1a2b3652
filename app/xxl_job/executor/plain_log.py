"""Reads pages of a log file that may be growing, be removed or be emptied meanwhile."""

import os
import threading
from pathlib import Path
from typing import Final

from app.xxl_job.executor.index_sidecar import load_sidecar, store_sidecar
from app.xxl_job.executor.line_index import LineIndex
from app.xxl_job.executor.log_page import LogPage, PageSource, read_page

SIDECAR_FROM_BYTES: Final = 1024 * 1024
"""Smaller logs are counted faster than a sidecar is worth."""
_CHUNK_BYTES: Final = 1024 * 1024
_TAIL_BYTES: Final = 64


class LogChanged(OSError):
    """The file became shorter while it was read: it can be read again."""


class PlainLog:
    """What was read once is remembered: the next page costs what was written since. Callable from any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._index = LineIndex()
        self._tail = b""
        self._gone = 0

    def page(self, from_line: int, *, finished: bool, limit_bytes: int) -> LogPage:
        """Raises OSError; FileNotFoundError where the file is gone."""
        with self._lock, self._path.open("rb", buffering=0) as file:
            descriptor = file.fileno()
            self._catch_up(descriptor, keep=finished)

            def read(offset: int, length: int) -> bytes:
                data = os.pread(descriptor, length, offset)
                if len(data) < length:
                    raise LogChanged(f"{self._path.name} became shorter")
                return data

            place = f"python -m app job log {self._path.stem.split('.')[0]}, or the file {_short(self._path)}"
            source = PageSource(self._index, read, place, self._gone)
            return read_page(source, from_line, finished=finished, limit_bytes=limit_bytes)

    def _catch_up(self, descriptor: int, *, keep: bool) -> None:
        found = os.fstat(descriptor)
        index = self._index
        if found.st_size < index.size_bytes or _tail(descriptor, index.size_bytes) != self._tail:
            self._gone += index.lines
            index = LineIndex()
        is_big = not index.size_bytes and found.st_size > SIDECAR_FROM_BYTES
        if is_big and (loaded := load_sidecar(self._path, found)):
            index, is_big = loaded, False
        while chunk := os.pread(descriptor, min(_CHUNK_BYTES, found.st_size - index.size_bytes), index.size_bytes):
            index.extend(chunk)
        self._index, self._tail = index, _tail(descriptor, index.size_bytes)
        if is_big and keep:
            store_sidecar(self._path, found, index)


def _tail(descriptor: int, size: int) -> bytes:
    """The last of what was read: a file that was made anew under the same name doesn't have it there."""
    start = max(0, size - _TAIL_BYTES)
    return os.pread(descriptor, size - start, start)


def _short(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"
