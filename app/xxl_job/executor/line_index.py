"""Where the lines of a growing file begin: every 256th is remembered, so that any page is found without a search."""

from typing import Final

STEP: Final = 256


class LineIndex:
    """Counts complete lines of what was appended so far."""

    def __init__(self) -> None:
        self.lines = 0
        self.size_bytes = 0
        self._marks = [0]

    def extend(self, data: bytes) -> None:
        """Takes the bytes that were appended to the file."""
        position = data.find(b"\n")
        while position >= 0:
            self.lines += 1
            if self.lines % STEP == 0:
                self._marks.append(self.size_bytes + position + 1)
            position = data.find(b"\n", position + 1)
        self.size_bytes += len(data)

    def seek(self, line: int) -> tuple[int, int]:
        """The nearest remembered offset at or before `line` (from 1), and how many lines to skip from there."""
        step, skip = divmod(line - 1, STEP)
        return self._marks[step], skip
