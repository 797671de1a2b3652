"""The console: writes to a descriptor without ever waiting for its reader, so that a paused one can't stop the file."""

import os
import select
import sys
from contextlib import suppress
from time import monotonic
from typing import Final

from app.common.log_copy import line_copy_var

STDOUT: Final = 1
_BACKLOG_BYTES: Final = 4 * 1024 * 1024


class Console:
    """Lines go out as the reader takes them; beyond the backlog they are lost, and after EPIPE it stays silent."""

    def __init__(self, descriptor: int = STDOUT, *, backlog_bytes: int = _BACKLOG_BYTES) -> None:
        self.lines_lost = 0
        self.is_closed = False
        """The reader went away (EPIPE), or there never was one."""
        self._descriptor = descriptor
        self._backlog_bytes = backlog_bytes
        self._backlog = bytearray()

    @property
    def has_backlog(self) -> bool:
        """Whether the reader is behind."""
        return bool(self._backlog)

    def write(self, data: bytes) -> None:
        """Takes whole lines, and writes as much as the reader takes at once."""
        if self.is_closed:
            return
        if len(self._backlog) + len(data) > self._backlog_bytes:
            self.lines_lost += data.count(b"\n")
        else:
            self._backlog += data
        self.pump(0)

    def pump(self, patience_seconds: float) -> None:
        """Writes the backlog until the reader is full, waiting at most `patience_seconds` for it."""
        deadline = monotonic() + patience_seconds
        try:
            while self._backlog and self._is_writable(max(0.0, deadline - monotonic())):
                written = os.write(self._descriptor, self._backlog[: select.PIPE_BUF])
                del self._backlog[:written]
        except BlockingIOError:
            return
        except (OSError, ValueError):
            self.is_closed = True
            self._backlog.clear()

    def forget_backlog(self) -> None:
        """Leaves what is not written yet to another process."""
        self._backlog.clear()

    def _is_writable(self, wait_seconds: float) -> bool:
        """A writable pipe takes PIPE_BUF bytes without blocking."""
        return bool(select.select((), (self._descriptor,), (), wait_seconds)[1])


def write_early(line: str) -> None:
    """Before logging is configured and after it is closed: a line straight to stderr."""
    if sys.stderr is None:
        return
    token = line_copy_var.set(None)  # stderr may be one that copies what is printed inside a run
    try:
        with suppress(OSError, ValueError):
            sys.stderr.write(line.encode("utf-8", "backslashreplace").decode())
            sys.stderr.flush()
    finally:
        line_copy_var.reset(token)
