"""What a child process writes to its file descriptors: cut into lines."""

from collections.abc import Iterator
from typing import Final

LONGEST_LINE_BYTES: Final = 64 * 1024


class LineCutter:
    """Gives whole lines as text; one that doesn't end is given in pieces."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[str]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        while len(self._rest) > LONGEST_LINE_BYTES:
            lines.append(self._rest[:LONGEST_LINE_BYTES])
            self._rest = self._rest[LONGEST_LINE_BYTES:]
        for line in lines:
            yield line.removesuffix(b"\r").decode("utf-8", "replace")

    def flush(self) -> Iterator[str]:
        """The last line, if it had no end."""
        rest, self._rest = self._rest, b""
        if rest:
            yield rest.decode("utf-8", "replace")
