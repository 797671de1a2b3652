"""What is printed in a child: printed by the executor, which copies what its runs print to their logs."""

import ctypes
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final, TextIO, cast

from app.xxl_job.executor.isolation.forwarding import Send
from app.xxl_job.executor.isolation.frames import Frame

PRINTED: Final = "printed"
LONGEST_LINE: Final = 100_000


class PrintedLines:
    """Stands for `sys.stdout` or `sys.stderr`; each thread has its own unfinished line.

    What is written to `buffer` or `fileno()` comes out of the process itself, where the executor reads it too.
    """

    def __init__(self, original: TextIO, name: str, send: Send) -> None:
        self._original = original
        self._name = name
        self._send = send
        self._unfinished: dict[int, str] = {}

    def write(self, text: str) -> int:
        thread = threading.get_ident()
        *lines, rest = (self._unfinished.pop(thread, "") + text).split("\n")
        while len(rest) > LONGEST_LINE:
            lines.append(rest[:LONGEST_LINE])
            rest = rest[LONGEST_LINE:]
        if rest:
            self._unfinished[thread] = rest
        self._tell(lines)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def end_lines(self) -> None:
        """The run ends: what has no end of line is a line."""
        for thread in tuple(self._unfinished):
            if text := self._unfinished.pop(thread, ""):
                self._tell([text])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)

    def _tell(self, lines: list[str]) -> None:
        with suppress(OSError):  # the parent is gone
            for line in lines:
                self._send({"kind": PRINTED, "stream": self._name, "text": line})


def capture_prints(send: Send) -> tuple[PrintedLines, PrintedLines]:
    """Puts both streams in place, for the rest of the process."""
    streams = PrintedLines(sys.stdout, "stdout", send), PrintedLines(sys.stderr, "stderr", send)
    sys.stdout, sys.stderr = cast("tuple[TextIO, TextIO]", streams)
    return streams


def flush_libraries() -> None:
    """C code that prints to a pipe has it in its own buffer until that is full."""
    ctypes.CDLL(None).fflush(None)


def print_line(frame: Frame) -> None:
    """In the executor, in the context of the run."""
    stream = getattr(sys, frame["stream"])
    if stream is not None:
        with suppress(OSError, ValueError):  # closed: the run doesn't suffer for it
            stream.write(frame["text"] + "\n")
