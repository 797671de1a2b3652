"""Brings stdlib logging into loguru, with the caller's own module, function and line."""

import logging
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from loguru import logger

from app.common.log_options import LevelTable
from app.common.redaction import text_of

if TYPE_CHECKING:
    from loguru import Record

TAKEN_OVER: Final = ("uvicorn", "uvicorn.error", "uvicorn.asgi", "sqlalchemy", "pyxxl", "config", "naming", "httpx")
"""Libraries that install handlers of their own."""
_SILENCED: Final = "uvicorn.access"
"""The chassis writes the access line itself."""
_ECHO_LOGGER: Final = "sqlalchemy.engine.Engine"

_STANDARD_ATTRIBUTES: Final = frozenset(vars(logging.makeLogRecord({}))) | {
    "message", "asctime", "taskName", "color_message",
}  # fmt: skip
_LEVEL_NAMES: Final = ((50, "CRITICAL"), (40, "ERROR"), (30, "WARNING"), (20, "INFO"), (10, "DEBUG"))


class InterceptHandler(logging.Handler):
    """The root handler: every record of stdlib logging becomes one of loguru's."""

    def __init__(self, levels: LevelTable) -> None:
        super().__init__()
        self.levels = levels

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno < self.levels.number(record.name):
            return
        caller = _module_of(record.pathname) or record.module
        fields: dict[str, Any] = {k: v for k, v in vars(record).items() if k not in _STANDARD_ATTRIBUTES}
        if caller != record.name:
            fields["logger"] = record.name
        if record.stack_info:
            fields["stack"] = record.stack_info

        def take_origin(target: "Record") -> None:
            target["name"], target["function"], target["line"] = caller, record.funcName, record.lineno
            target["module"] = record.module

        target = logger.opt(exception=record.exc_info).bind(**fields).patch(take_origin)
        target.log(_level_name(record.levelno), _message_of(record))


def _message_of(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        return text_of(record.msg)


def _level_name(number: int) -> str:
    return next((name for least, name in _LEVEL_NAMES if number >= least), "TRACE")


@lru_cache(maxsize=1024)
def _module_of(pathname: str) -> str | None:
    """The dotted module of a source file, by the longest entry of sys.path above it."""
    path = Path(pathname)
    roots = [Path(entry).absolute() for entry in sys.path]
    above = [root for root in roots if path.suffix == ".py" and path.is_relative_to(root)]
    if not above:
        return None
    parts = path.relative_to(max(above, key=lambda root: len(root.parts))).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def take_over(*names: str) -> None:
    """Makes these loggers propagate to the root handler only. To be repeated after a library set itself up again."""
    for name in names:
        library = logging.getLogger(name)
        for handler in list(library.handlers):
            library.removeHandler(handler)
        library.propagate = True


class Interception:
    """Stdlib logging while it goes to loguru; `undo` puts the former handlers and levels back."""

    def __init__(self, levels: LevelTable) -> None:
        root = logging.getLogger()
        self._handler = InterceptHandler(levels)
        self._former = (list(root.handlers), root.level)
        self._named: dict[str, int] = {}
        libraries = [logging.getLogger(name) for name in (*TAKEN_OVER, _SILENCED)]
        self._libraries = [(library, list(library.handlers), library.propagate) for library in libraries]
        root.handlers[:] = [self._handler]
        take_over(*TAKEN_OVER, _SILENCED)
        logging.getLogger(_SILENCED).propagate = False
        echo = logging.getLogger(_ECHO_LOGGER)
        if not echo.handlers:  # else `echo=True` adds a handler that prints past us
            echo.addHandler(logging.NullHandler())
        self.apply(levels)

    def apply(self, levels: LevelTable) -> None:
        """Sets the loggers' own levels too: libraries ask `isEnabledFor` before they build a message."""
        self._handler.levels = levels
        self._restore_named()
        logging.getLogger().setLevel(levels.default)
        for name, number in levels.named.items():
            self._named[name] = logging.getLogger(name).level
            logging.getLogger(name).setLevel(number)

    def undo(self) -> None:
        """Stdlib logging is as it was."""
        self._restore_named()
        for library, handlers, propagate in self._libraries:
            library.handlers[:], library.propagate = handlers, propagate
        root = logging.getLogger()
        root.handlers[:], level = self._former
        root.setLevel(level)

    def _restore_named(self) -> None:
        for name, level in self._named.items():
            logging.getLogger(name).setLevel(level)
        self._named.clear()
