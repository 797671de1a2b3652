"""What a run prints: each line of it is a line of the job log too."""

import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TextIO, cast

from app.common import log_direct
from app.common.log_copy import LineCopy, line_copy_var
from app.common.log_direct import Place
from app.common.log_format import shown

LONGEST_PARTIAL: Final = 100_000
"""Beyond it a line that doesn't end is written as it is."""


class PrintedStream:
    """Stands for `sys.stdout` or `sys.stderr`: text goes there as ever, and inside a run to its job log by lines.

    What is written to the stream's `buffer` or descriptor is past it, and in no job log.
    """

    def __init__(self, original: TextIO, name: str) -> None:
        self._original = original
        self._name = name

    def write(self, text: str) -> int:
        copy = line_copy_var.get()
        if copy is not None:
            self._copy(copy, text)
        return self._original.write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)

    def _copy(self, copy: LineCopy, text: str) -> None:
        key = (self._name, threading.current_thread().name)
        *lines, rest = (copy.partial.pop(key, "") + text).split("\n")
        if len(rest) > LONGEST_PARTIAL:
            lines.append(rest)
            rest = ""
        if rest:
            copy.partial[key] = rest
        for line in lines:
            _write(copy, self._name, line)


def flush_printed(copy: LineCopy) -> None:
    """The run ends: what was printed without an end of line is its last line."""
    for key in tuple(copy.partial):
        if text := copy.partial.pop(key, ""):
            _write(copy, key[0], text)


def _write(copy: LineCopy, stream: str, line: str) -> None:
    copy.write(log_direct.current.log.render("INFO", Place(stream, "print", 0), shown(line.rstrip("\r"))))


@contextmanager
def prints_copied() -> Iterator[None]:
    """While open, what runs print reaches their job logs; then the streams are what they were."""
    former = sys.stdout, sys.stderr
    ours = [stream and PrintedStream(stream, name) for stream, name in zip(former, ("stdout", "stderr"), strict=True)]
    sys.stdout, sys.stderr = cast("list[TextIO]", ours)
    try:
        yield
    finally:
        if sys.stdout is ours[0]:
            sys.stdout = former[0]
        if sys.stderr is ours[1]:
            sys.stderr = former[1]
