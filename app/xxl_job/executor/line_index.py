"""Where the lines of a growing file are: how many end before each block, so that any page is found without a search."""

from array import array
from bisect import bisect_left
from collections.abc import Callable
from typing import Final

BLOCK_BYTES: Final = 64 * 1024

Read = Callable[[int, int], bytes]
"""The bytes from an offset on, at most so many."""


class LineIndex:
    """Only `\\n` ends a line. Marks are offsets with the number of line ends before them; the last one is the end."""

    def __init__(self) -> None:
        self.offsets = array("q", [0])
        self.counts = array("q", [0])
        self.ends_whole = True
        """Whether the last byte ends a line."""

    @property
    def lines(self) -> int:
        """Complete lines so far."""
        return self.counts[-1]

    @property
    def size_bytes(self) -> int:
        return self.offsets[-1]

    def extend(self, data: bytes) -> None:
        """Takes the bytes that were appended."""
        position = 0
        while position < len(data):
            room = BLOCK_BYTES
            if len(self.offsets) > 1:
                room -= self.offsets[-1] - self.offsets[-2]
            end = min(len(data), position + (room or BLOCK_BYTES))
            self.mark(self.size_bytes + end - position, self.lines + data.count(b"\n", position, end), joins=room > 0)
            position = end
        if data:
            self.ends_whole = data.endswith(b"\n")

    def mark(self, offset: int, count: int, *, joins: bool = False) -> None:
        """One more block, or more of the last one if it `joins` it."""
        if joins and len(self.offsets) > 1:
            self.offsets[-1], self.counts[-1] = offset, count
        else:
            self.offsets.append(offset)
            self.counts.append(count)

    def start_of(self, line: int, read: Read) -> int:
        """The offset of a line from 1 to `lines` + 1; reads one block."""
        ends_before = line - 1
        if ends_before <= 0:
            return 0
        block = bisect_left(self.counts, ends_before) - 1
        start = self.offsets[block]
        data = read(start, self.offsets[block + 1] - start)
        return start + _after_line(data, ends_before - self.counts[block])


def _after_line(data: bytes, number: int) -> int:
    """Where the line after the `number`th of the data begins; halves, since counting is faster than finding."""
    low, high = 0, len(data)
    while high - low > 1:
        middle = (low + high) // 2
        before = data.count(b"\n", low, middle)
        if before >= number:
            high = middle
        else:
            number -= before
            low = middle
    return high
