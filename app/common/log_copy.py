"""Where else the lines of the current context go: a run's lines have a log of their own."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Final


class LineCopy:
    """Takes a copy of every line, always as text, rendered and masked like the process log's."""

    __slots__ = ("partial", "write")

    def __init__(self, write: Callable[[str], None]) -> None:
        """`write` takes whole lines from any thread; it never raises and never logs."""
        self.write = write
        self.partial: dict[tuple[str, str], str] = {}
        """What was printed without an end of line yet, by stream and thread."""


line_copy_var: Final[ContextVar[LineCopy | None]] = ContextVar("line_copy", default=None)


def copy_line(text: str) -> None:
    """Hands a rendered line to the context's own log, if it has one."""
    copy = line_copy_var.get()
    if copy is not None:
        copy.write(text)
