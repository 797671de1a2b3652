"""One HTTP exchange as the request middleware sees it: which ids it has, and how far its answer got."""

import os
import random
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Final

from app.common.const import TRACE_HEADER, TRACEPARENT_HEADER
from app.common.context import pinned_snapshot_var
from app.common.trace import build_traceparent, choose_trace_id

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
Header = tuple[bytes, bytes]

_TRACE_ID: Final = TRACE_HEADER.lower().encode()
_TRACEPARENT: Final = TRACEPARENT_HEADER.encode()
_OURS: Final = frozenset({_TRACE_ID, _TRACEPARENT})
_ID_DIGITS: Final = 32
_ID_BITS: Final = 192
_FRESH: Final = 64
"""New ids are made by the batch: one at a time costs a request several times as much."""

UNMATCHED: Final = "unmatched"


def identify(headers: Sequence[Header]) -> tuple[str, str]:
    """The trace id of a request by the trace rule, and a `traceparent` of it."""
    given = dict(headers)
    if _OURS.isdisjoint(given):
        if not _fresh:
            _fresh.extend(_new_ids() for _ in range(_FRESH))
        return _fresh.pop()
    chosen = choose_trace_id(_text(given.get(_TRACEPARENT)), _text(given.get(_TRACE_ID)))
    return chosen, build_traceparent(chosen)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def _new_ids() -> tuple[str, str]:
    digits = f"{random.getrandbits(_ID_BITS):048x}"
    return digits[:_ID_DIGITS], f"00-{digits[:_ID_DIGITS]}-{digits[_ID_DIGITS:]}-01"


_fresh: list[tuple[str, str]] = []
os.register_at_fork(after_in_child=_fresh.clear)  # a child would hand out its parent's


def with_trace(message: Message, trace_id: str, traceparent: str) -> Message:
    """The message that starts an answer, with our headers in place of any of that name. The given one stays as is."""
    headers = message.get("headers", ())
    if not _OURS.isdisjoint(dict(headers)):
        headers = [header for header in headers if header[0] not in _OURS]
    ours = (_TRACE_ID, trace_id.encode()), (_TRACEPARENT, traceparent.encode())
    return {**message, "headers": [*headers, *ours]}


def _is_sized(message: Message) -> bool:
    """Whether an answer says how long it is; what doesn't is a stream (or empty)."""
    return b"content-length" in dict(message.get("headers", ()))


def route_template(scope: Scope) -> str:
    """The path template of the route that took the request (`/orders/{id}`), never the path itself.

    FastAPI keeps the whole template of an included route in its own part of the scope; a mount shows in `root_path`.
    """
    included = scope.get("fastapi")
    route = (included and included.get("effective_route_context")) or scope.get("route")
    template: str | None = getattr(route, "path_format", None)
    if template is None:
        return f"{scope.get('root_path', '')}/*" if "endpoint" in scope else UNMATCHED
    root: str = scope.get("root_path", "")
    return root + template if root else template


class Exchange:
    """Stands between the server and the application: adds the headers, and notes how far the answer got."""

    __slots__ = ("_is_gone", "_receive", "_send", "is_complete", "status", "trace_id", "traceparent")

    def __init__(self, receive: Receive, send: Send, trace_id: str, traceparent: str) -> None:
        self._receive = receive
        self._send = send
        self.trace_id = trace_id
        self.traceparent = traceparent
        self._is_gone = False
        self.status = 0
        """0 until the answer starts."""
        self.is_complete = False

    @property
    def is_aborted(self) -> bool:
        """Whether the client left before the whole answer was sent.

        uvicorn keeps this on the object that `send` belongs to, and tells it to an application only when asked.
        """
        return self._is_gone or getattr(getattr(self._send, "__self__", None), "disconnected", False)

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect" and not self.is_complete:
            self._is_gone = True
        return message

    def send(self, message: Message) -> Awaitable[None]:
        if not self.status and message["type"] == "http.response.start":
            self.status = message["status"]
            if not _is_sized(message):
                pinned_snapshot_var.set(None)  # a stream may live for hours: it sees the settings of the moment
            message = with_trace(message, self.trace_id, self.traceparent)
        elif message["type"] == "http.response.body" and not message.get("more_body"):
            self.is_complete = True
        return self._send(message)
