"""The access line. It is written for every request, so it is put together here instead of by loguru."""

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from app.common.log_console import write_early
from app.common.log_format import Identity, describe_second, encode_json, escape
from app.common.log_options import ACCESS_MODULE, LEVEL_NUMBERS, LevelTable
from app.common.redaction import redact

MESSAGE: Final = "request served"
_INFO: Final = LEVEL_NUMBERS["INFO"]

_Served = tuple[float, str, str, str, int, float, str, str]
"""When, in which thread, method, route, status, milliseconds, client, trace id."""


class AccessLog:
    """Renders access lines in the log's format and hands them to the log's writer."""

    __slots__ = ("_enabled", "_identity", "_put", "_second")

    def __init__(self, put: Callable[[Callable[[], str]], None], levels: LevelTable, identity: Identity | None) -> None:
        """`identity`: who writes, for JSON lines; None for text."""
        self._put = put
        self._enabled = levels.number(ACCESS_MODULE) <= _INFO
        self._identity = None if identity is None else _identity_json(identity)
        self._second = (0, "", "")

    @classmethod
    def early(cls) -> "AccessLog":
        """Before logging is configured: text, on the console."""
        return cls(lambda render: write_early(render()), LevelTable("INFO", {}), None)

    def write(self, *, method: str, route: str, status: int, duration_ms: float, client: str, trace_id: str) -> None:
        """`route` is the template (`/orders/{id}`), never the path: a path may carry what must not be logged."""
        if not self._enabled:
            return
        thread = threading.current_thread().name
        served = (time.time(), thread, method, route, status, duration_ms, client, trace_id)
        self._put(partial(self._render, served))

    def _render(self, served: _Served) -> str:
        """Runs where the line is written: put together by the batch it costs a third of what it costs in a request."""
        now, thread, method, route, status, duration_ms, client, trace_id = served
        second, clock, offset = self._second
        if second != int(now):
            second, clock, offset = self._second = describe_second(now, " " if self._identity is None else "T")
        words = f"{method}{route}{client}{trace_id}{thread}"
        if not words.isprintable() or '"' in words or "\\" in words or " " in words:
            method, route, client, trace_id, thread = map(_plain, (method, route, client, trace_id, thread))
        if self._identity is None:
            return (
                f"[{clock}.{int(now % 1 * 1000):03d}{offset}] [INFO] [{trace_id}] [{thread}] "
                f"[access:request:0] {MESSAGE} method={method} route={route} status={status} "
                f"duration_ms={duration_ms:.3f} client={client}\n"
            )
        return (
            f'{{"time":"{clock}.{int(now % 1 * 1000):03d}{offset}","level":"INFO","trace_id":"{trace_id}",'
            f'"thread":"{thread}","module":"access","function":"request","line":0,"message":"{MESSAGE}",'
            f'{self._identity},"fields":{{"method":"{method}","route":"{route}","status":{status},'
            f'"duration_ms":{duration_ms:.3f},"client":"{client}"}}}}\n'
        )


def _plain(text: str) -> str:
    """What a client sent, made harmless in both formats: none of these words needs a quote, a backslash or a space."""
    return escape(redact(text)).replace("\\", "/").replace('"', "'").replace(" ", "_")


def _identity_json(identity: Identity) -> str:
    words = {"service": identity.service, "env": identity.env, "instance": identity.instance}
    return encode_json(words)[1:-1]


class _Current:
    """The process's access log, in the same files, format and order as every other line: `current.log.write(…)`.

    Replaced whole when logging is configured or changed.
    """

    __slots__ = ("log",)

    def __init__(self) -> None:
        self.log = AccessLog.early()


current: Final = _Current()
