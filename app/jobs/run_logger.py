"""`ctx.log`: loguru's logger as a job knows it, with a short way for plain lines."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from app.common import log_direct
from app.common.log_direct import LineFields, Place
from app.common.log_format import shown
from app.common.logger import log

if TYPE_CHECKING:
    from loguru import Logger


class RunLogger:
    """A plain line skips loguru, which takes longer for its record than a file takes for the line.

    Everything else (`opt`, `exception`, `catch`, keyword arguments, sinks that somebody added) is loguru's own.
    """

    __slots__ = ("_fields",)

    def __init__(self, fields: LineFields) -> None:
        self._fields = fields

    def bind(self, **fields: Any) -> "RunLogger":
        return RunLogger(LineFields({**self._fields.values, **fields}))

    def trace(self, message: Any, /, *args: Any, **kwargs: Any) -> None:
        self._write("TRACE", message, args, kwargs)

    def debug(self, message: Any, /, *args: Any, **kwargs: Any) -> None:
        self._write("DEBUG", message, args, kwargs)

    def info(self, message: Any, /, *args: Any, **kwargs: Any) -> None:
        self._write("INFO", message, args, kwargs)

    def success(self, message: Any, /, *args: Any, **kwargs: Any) -> None:
        self._write("SUCCESS", message, args, kwargs)

    def warning(self, message: Any, /, *args: Any, **kwargs: Any) -> None:
        self._write("WARNING", message, args, kwargs)

    def error(self, message: Any, /, *args: Any, **kwargs: Any) -> None:
        self._write("ERROR", message, args, kwargs)

    def critical(self, message: Any, /, *args: Any, **kwargs: Any) -> None:
        self._write("CRITICAL", message, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(log.bind(**self._fields.values), name)

    def _write(self, level: str, message: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        direct = log_direct.current.log
        if kwargs or not direct.stands_for_loguru():
            log.bind(**self._fields.values).opt(depth=2).log(level, message, *args, **kwargs)
            return
        frame = sys._getframe(2)
        module = frame.f_globals.get("__name__") or ""
        if direct.passes(module, level):
            text = str(message).format(*args) if args else str(message)
            direct.write(level, Place(module, frame.f_code.co_name, frame.f_lineno), shown(text), self._fields)


def build_run_logger(fields: LineFields) -> "Logger":
    """To those who use it, it is loguru's logger."""
    return cast("Logger", RunLogger(fields))
