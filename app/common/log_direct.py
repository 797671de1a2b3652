"""Lines put together without loguru, whose record costs more than most of what is logged: the run's own lines.

Same files, format, order, levels and masking as every other line.
"""

import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, NamedTuple, cast

from loguru import logger
from loguru._logger import context as _contextualized

from app.common.context import trace_id_var
from app.common.log_console import write_early
from app.common.log_copy import line_copy_var
from app.common.log_format import Identity, describe_second, encode_json, escape, json_fields, render_fields
from app.common.log_options import LEVEL_NUMBERS, LevelTable

_NONE: Final = -1


class Place(NamedTuple):
    """Where a line comes from."""

    module: str
    function: str
    line: int


class LineFields:
    """Fields that several lines share; their text is made once."""

    __slots__ = ("_text", "values")

    def __init__(self, values: Mapping[str, Any], text: str | None = None) -> None:
        """`text`: as `render_fields` would make it, where the caller has it cheaper."""
        self.values = values
        self._text = text

    @property
    def text(self) -> str:
        if self._text is None:
            self._text = render_fields(dict(self.values))
        return self._text


NO_FIELDS: Final = LineFields({}, "")

_Line = tuple[float, str, str, str, Place, str, LineFields]
"""When, level, trace id, thread, place, message, fields."""


class DirectLog:
    """Renders a line once, for the process log and for the copy of the run."""

    __slots__ = ("_handler_id", "_identity", "_levels", "_put", "_second")

    def __init__(
        self,
        put: Callable[[str | Callable[[], str]], None],
        levels: LevelTable,
        identity: Identity | None,
        handler_id: int = _NONE,
    ) -> None:
        """`identity`: who writes, for JSON lines; None for text. `handler_id`: loguru's handler for all other lines."""
        self._put = put
        self._levels = levels
        self._identity = identity
        self._handler_id = handler_id
        self._second = (0, "", "")

    @classmethod
    def early(cls, handler_id: int) -> "DirectLog":
        """Before logging is configured: text, on the console."""
        return cls(_put_early, LevelTable("INFO", {}), None, handler_id)

    def stands_for_loguru(self) -> bool:
        """Whether loguru would write a line to the same place only, with nothing added or switched off."""
        core = cast("Any", logger)._core
        handlers = core.handlers
        if len(handlers) != 1 or self._handler_id not in handlers:
            return False
        is_muted = core.activation_list and not all(is_on for _, is_on in core.activation_list)
        return not (is_muted or core.extra or _contextualized.get())

    def passes(self, module: str, level: str) -> bool:
        return LEVEL_NUMBERS[level] >= self._levels.number(module)

    def write(self, level: str, place: Place, message: str, fields: LineFields = NO_FIELDS) -> None:
        """A line of the current trace and thread. `message` is a constant phrase or `shown`: it isn't masked here."""
        if LEVEL_NUMBERS[level] < self._levels.number(place.module):
            return
        copy = line_copy_var.get()
        line = (time.time(), level, trace_id_var.get(), threading.current_thread().name, place, message, fields)
        text = "" if self._identity is not None and copy is None else self._render(line)
        self._put(text if self._identity is None else partial(_render_json, line, self._identity))
        if copy is not None:
            copy.write(text)

    def render(self, level: str, place: Place, message: str) -> str:
        """A line as text, for what goes to the run's log only; `message` is `shown`."""
        thread = threading.current_thread().name
        return self._render((time.time(), level, trace_id_var.get(), thread, place, message, NO_FIELDS))

    def _render(self, line: _Line) -> str:
        now, level, trace, thread, place, message, fields = line
        second, clock, offset = self._second
        if second != int(now):
            second, clock, offset = self._second = describe_second(now, " ")
        text = (
            f"[{clock}.{int(now % 1 * 1000):03d}{offset}] [{level}] [{trace}] [{thread}] "
            f"[{place[0]}:{place[1]}:{place[2]}] {message}{fields.text}"
        )
        return escape(text) + "\n"


def _render_json(line: _Line, identity: Identity) -> str:
    """Runs where the line is written."""
    now, level, trace, thread, place, message, fields = line
    document: dict[str, Any] = {
        "time": datetime.fromtimestamp(now, UTC).astimezone().isoformat(timespec="milliseconds"),
        "level": level,
        "trace_id": trace,
        "thread": thread,
        **place._asdict(),
        "message": message,
        "service": identity.service,
        "env": identity.env,
        "instance": identity.instance,
    }
    if fields.values:
        document["fields"] = json_fields(fields.values)
    return encode_json(document) + "\n"


def _put_early(line: str | Callable[[], str]) -> None:
    write_early(line if isinstance(line, str) else line())


class _Current:
    """The process's direct log; replaced whole when logging is configured or changed."""

    __slots__ = ("log",)

    def __init__(self) -> None:
        self.log = DirectLog.early(_NONE)


current: Final = _Current()
