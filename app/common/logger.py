"""The log: `from app.common.logger import log`, then `log.bind(job_id=1).info("run finished")`.

Usable at once (text, on stderr); `configure_logging` sends the process's lines to the daily file and the console.
"""

import atexit
import re
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, cast

from loguru import logger as log

from app.common import access_log, log_direct
from app.common.access_log import AccessLog
from app.common.context import get_trace_id
from app.common.log_console import Console, write_early
from app.common.log_copy import copy_line, line_copy_var
from app.common.log_direct import DirectLog
from app.common.log_file import Clock, DailyFile, Opener, local_now, open_for_append
from app.common.log_format import Identity, Renderer, render_text
from app.common.log_intercept import Interception
from app.common.log_options import LevelTable, LogOptions
from app.common.log_outlet import Outlet
from app.common.log_retention import Housekeeping
from app.common.log_writer import LineWriter
from app.common.metrics import LOG_LINES_DROPPED

if TYPE_CHECKING:
    from loguru import Message, Record

__all__ = ["LogHandle", "LogOptions", "configure_logging", "log"]

_EARLY_LEVELS: Final = LevelTable("INFO", {})
_RETIRE_SECONDS: Final = 1.0
"""How long a replaced handler stays for threads that are just about to use it."""
_UNSAFE_IN_NAME: Final = re.compile(r"[^A-Za-z0-9_.\-]")


def _add_trace(record: "Record") -> None:
    record["extra"].setdefault("trace_id", get_trace_id())


def _only_exception(_record: "Record") -> str:
    """Loguru formats the traceback alone; the line is put together by `log_format`."""
    return "{exception}"


def _passes(record: "Record", levels: LevelTable) -> bool:
    name = record["extra"].get("logger") or record["name"] or ""
    return record["level"].no >= levels.number(str(name))


def _passes_early(record: "Record") -> bool:
    return _passes(record, _EARLY_LEVELS)


def _write_early(message: "Message") -> None:
    text = render_text(message.record, str(message))
    write_early(text)
    copy_line(text)


def _log_early() -> None:
    """Replaces what loguru starts with: that shows variables' values in tracebacks and masks nothing."""
    log.remove()
    log.configure(patcher=_add_trace)
    handler_id = log.add(
        _write_early, level="INFO", format=_only_exception, filter=_passes_early, backtrace=False, diagnose=False
    )
    log_direct.current.log = DirectLog.early(handler_id)


class LogHandle:
    """The process's configured logging. Made by `configure_logging`."""

    def __init__(
        self,
        options: LogOptions,
        *,
        writer: LineWriter,
        outlet: Outlet,
        renderer: Renderer,
        housekeeping: Housekeeping | None,
    ) -> None:
        self._options = options
        self._writer = writer
        self._outlet = outlet
        self._renderer = renderer
        self._housekeeping = housekeeping
        self._levels = LevelTable(options.level, options.levels)
        self._is_closed = False
        writer.start()
        self._interception = Interception(self._levels)
        log.remove()
        self._handler_id = self._add_handler()
        self._apply()
        atexit.register(self.close)

    @property
    def lines_dropped(self) -> int:
        """Lines that were never written: the queue was full, or neither file nor console took them."""
        return self._writer.lines_dropped

    def update(self, options: LogOptions) -> None:
        """Takes over level, levels, format, console and retention; the rest stays as it was at start."""
        self._options = options
        former, self._levels = self._levels, LevelTable(options.level, options.levels)
        self._apply()
        if not former.is_same(self._levels):
            self._interception.apply(self._levels)
            former_id, self._handler_id = self._handler_id, self._add_handler()
            self._apply()
            retirement = threading.Timer(_RETIRE_SECONDS, _remove_handler, (former_id,))
            retirement.daemon = True
            retirement.start()

    def flush(self, timeout_seconds: float = 2.0) -> bool:
        """Waits until what was logged before is written; False if that takes too long."""
        return self._writer.flush(timeout_seconds)

    def close(self) -> None:
        """Writes everything, ends the thread, and leaves logging as it was before: early lines on stderr."""
        if self._is_closed:
            return
        self._is_closed = True
        atexit.unregister(self.close)
        self._interception.undo()
        _log_early()
        access_log.current.log = AccessLog.early()
        self._writer.close()

    def _apply(self) -> None:
        self._renderer.format = self._options.format
        self._outlet.console_enabled = self._options.console
        if self._housekeeping is not None:
            self._housekeeping.retention_days = self._options.retention_days
        identity = self._renderer.identity if self._options.format == "json" else None
        access_log.current.log = AccessLog(self._writer.put, self._levels, identity)
        log_direct.current.log = DirectLog(self._writer.put, self._levels, identity, self._handler_id)

    def _add_handler(self) -> int:
        return log.add(
            self._sink,
            level=self._levels.lowest,
            format=_only_exception,
            filter=self._passes,
            backtrace=False,
            diagnose=self._options.local,
        )

    def _passes(self, record: "Record") -> bool:
        """A record can meet a handler and its successor; who writes it first marks it."""
        return "line_written" not in record and _passes(record, self._levels)

    def _sink(self, message: "Message") -> None:
        cast("dict[str, Any]", message.record)["line_written"] = True
        line = self._renderer.render(message.record, str(message))
        self._writer.put(line)
        if line_copy_var.get() is not None:
            copy_line(line if self._renderer.format == "text" else render_text(message.record, str(message)))


def _remove_handler(handler_id: int) -> None:
    with suppress(ValueError):  # closing removed it already
        log.remove(handler_id)


class _Configured:
    """The handle in force: one a process, so configuring again ends the former."""

    __slots__ = ("handle",)

    def __init__(self) -> None:
        self.handle: LogHandle | None = None


_configured: Final = _Configured()


def configure_logging(options: LogOptions, *, now: Clock = local_now, opener: Opener = open_for_append) -> LogHandle:
    """Sends this process's lines to `log_path/<date>/<instance>.log` and the console, stdlib logging's too.

    Never fails for a folder or disk that can't be written: lines go to the console, and a warning says so.
    """
    if _configured.handle is not None:
        _configured.handle.close()
    renderer = Renderer(Identity(options.service, options.env, options.instance), options.format)
    file = housekeeping = None
    if options.file:
        stem = _UNSAFE_IN_NAME.sub("_", options.instance)
        file = DailyFile(options.log_path, stem, now=now, opener=opener)
        housekeeping = Housekeeping(options.log_path, file.today, options.retention_days)
    outlet = Outlet(file, Console(), renderer.notice, console_enabled=options.console)
    writer = LineWriter(outlet, housekeeping)
    handle = LogHandle(options, writer=writer, outlet=outlet, renderer=renderer, housekeeping=housekeeping)
    _configured.handle = handle
    LOG_LINES_DROPPED.read_from(lambda: handle.lines_dropped)
    return handle


_log_early()
