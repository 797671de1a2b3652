"""One page of a job log, as the console asks for it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from app.xxl_job.executor.line_index import LineIndex

RUNNING_PAGE_BYTES: Final = 1024 * 1024
FINISHED_PAGE_BYTES: Final = 8 * 1024 * 1024
"""A console asks once for the log of a finished run: that one page must hold as much as is bearable."""
_LONGEST_LINE_BYTES: Final = 512 * 1024


@dataclass(frozen=True)
class LogPage:
    """Lines `from_line` to `to_line`. An empty page has `to_line = from_line - 1`, so that the cursor stays."""

    from_line: int
    to_line: int
    content: str
    is_end: bool

    def as_json(self) -> dict[str, Any]:
        return {
            "fromLineNum": self.from_line,
            "toLineNum": self.to_line,
            "logContent": self.content,
            "isEnd": self.is_end,
        }


def empty_page(from_line: int, *, is_end: bool) -> LogPage:
    return LogPage(from_line, from_line - 1, "", is_end)


def note_page(from_line: int, note: str) -> LogPage:
    """One line in place of a log that isn't there; asked on, nothing follows."""
    if from_line > 1:
        return empty_page(from_line, is_end=True)
    return LogPage(from_line, from_line, f"{note}\n", is_end=True)


def read_page(path: Path, index: LineIndex, from_line: int, *, finished: bool, limit_bytes: int) -> LogPage:
    """The complete lines from `from_line` on, as many as fit. Raises OSError when the file can't be read."""
    total, size = index.lines, index.size_bytes
    if from_line > total:
        return empty_page(from_line, is_end=finished)
    offset, skip = index.seek(from_line)
    with path.open("rb") as file:
        file.seek(offset)
        for _ in range(skip):
            file.readline()
        data = _complete_lines(file, max(0, min(limit_bytes, size - file.tell())))
    to_line = from_line - 1 + data.count(b"\n")
    content = data.decode("utf-8", "replace")
    rest = total - to_line
    if finished and rest > 0:
        place = f"python -m app job log {path.stem}, or the file {path.parent.name}/{path.name}"
        content += f"... {rest} more lines: {place}\n"
    return LogPage(from_line, to_line, content, is_end=finished and rest <= 0)


def _complete_lines(file: BinaryIO, limit_bytes: int) -> bytes:
    data = file.read(limit_bytes)
    end = data.rfind(b"\n")
    if end < 0:  # one line that is longer than the page
        return data + file.readline(_LONGEST_LINE_BYTES)
    return data[: end + 1]
