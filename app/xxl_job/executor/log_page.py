"""One page of a job log, as the console asks for it."""

import json
from dataclasses import dataclass
from typing import Any, Final

from app.xxl_job.executor.line_index import LineIndex, Read

RUNNING_PAGE_BYTES: Final = 1024 * 1024
FINISHED_PAGE_BYTES: Final = 16 * 1024 * 1024
"""A console asks once for the log of a finished run: that one page must hold as much as is bearable."""
LONGEST_LINE_BYTES: Final = 4 * 1024 * 1024
"""A line that is longer than a page is a page; beyond this it is cut, and still counts as one."""
_CUT: Final = b" ... (line cut)"


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

    def as_answer(self) -> bytes:
        """The whole answer, the page in it under both names; written once, since it may be long."""
        page = json.dumps(self.as_json(), ensure_ascii=False).encode("utf-8", "replace")
        return b'{"code": 200, "msg": null, "content": %b, "data": %b}' % (page, page)


def empty_page(from_line: int, *, is_end: bool) -> LogPage:
    return LogPage(from_line, from_line - 1, "", is_end)


def note_page(from_line: int, note: str) -> LogPage:
    """One line in place of a log that isn't there; asked on, nothing follows."""
    if from_line > 1:
        return empty_page(from_line, is_end=True)
    return LogPage(from_line, from_line, f"{note}\n", is_end=True)


@dataclass(frozen=True)
class PageSource:
    """A log as it is right now."""

    index: LineIndex
    read: Read
    place: str
    """Where the rest of a finished log is, for a console that doesn't ask on."""
    gone: int = 0
    """Lines that were shown before the file was removed or emptied: the numbers go on after them."""

    def lines(self, *, finished: bool) -> int:
        """What a reader may see: the last line of a finished log may lack its end."""
        return self.gone + self.index.lines + (1 if finished and not self.index.ends_whole else 0)


def read_page(source: PageSource, from_line: int, *, finished: bool, limit_bytes: int) -> LogPage:
    """The complete lines from `from_line` on, as many as fit. Raises OSError when the log can't be read."""
    total = source.lines(finished=finished)
    if from_line > total:
        return empty_page(from_line, is_end=finished)
    first = max(from_line - source.gone, 1)
    data = _read_lines(source, first, limit_bytes, finished=finished)
    to_line = source.gone + first - 1 + data.count(b"\n")
    rest = total - to_line
    content = data.decode("utf-8", "replace")
    if finished and rest > 0 and from_line == 1:
        content += f"... {rest} more lines: {source.place}\n"
    return LogPage(from_line, to_line, content, is_end=finished and rest <= 0)


def _read_lines(source: PageSource, first: int, limit_bytes: int, *, finished: bool) -> bytes:
    index = source.index
    start = index.start_of(first, source.read)
    data = source.read(start, min(limit_bytes, index.size_bytes - start))
    if finished and not index.ends_whole and start + len(data) >= index.size_bytes:
        return data + b"\n"
    end = data.rfind(b"\n") + 1
    return data[:end] if end else _read_long_line(source, first, start)


def _read_long_line(source: PageSource, line: int, start: int) -> bytes:
    index = source.index
    end = index.start_of(line + 1, source.read) if line <= index.lines else index.size_bytes
    if end - start > LONGEST_LINE_BYTES:
        return source.read(start, LONGEST_LINE_BYTES) + _CUT + b"\n"
    data = source.read(start, end - start)
    return data if data.endswith(b"\n") else data + b"\n"
