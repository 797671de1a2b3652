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
Headers = tuple[Header, ...]
Identity = tuple[str, Headers, str | None]
"""A request's trace id, the headers of its answer, and its W3C id where that is another one."""

_TRACE_ID: Final = TRACE_HEADER.lower().encode()
_TRACEPARENT: Final = TRACEPARENT_HEADER.encode()
_CONTENT_LENGTH: Final = b"content-length"
_OURS: Final = frozenset({_TRACE_ID, _TRACEPARENT})
_ID_DIGITS: Final = 32
_ID_BITS: Final = 192
_FRESH: Final = 64
"""New ids are made by the batch: one at a time costs a request several times as much."""

UNMATCHED: Final = "unmatched"


def identify(headers: Sequence[Header]) -> Identity:
    """Which ids a request has, by the trace rule."""
    given = dict(headers)
    if _TRACE_ID not in given and _TRACEPARENT not in given:
        if not _fresh:
            _fresh.extend(_new_identity() for _ in range(_FRESH))
        return _fresh.pop()
    trace_id = choose_trace_id(_text(given.get(_TRACEPARENT)), _text(given.get(_TRACE_ID)))
    return _identity(trace_id, build_traceparent(trace_id))


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def _identity(trace_id: str, traceparent: str) -> Identity:
    headers = (_TRACE_ID, trace_id.encode()), (_TRACEPARENT, traceparent.encode())
    w3c_trace_id = traceparent[3:35]
    return trace_id, headers, None if w3c_trace_id == trace_id else w3c_trace_id


def _new_identity() -> Identity:
    digits = f"{random.getrandbits(_ID_BITS):048x}"
    return _identity(digits[:_ID_DIGITS], f"00-{digits[:_ID_DIGITS]}-{digits[_ID_DIGITS:]}-01")


_fresh: list[Identity] = []
os.register_at_fork(after_in_child=_fresh.clear)  # a child would hand out its parent's


def with_headers(message: Message, ours: Headers) -> Message:
    """The message that starts an answer, with our headers in place of any of that name. The given one stays as is."""
    headers = message.get("headers", ())
    names = dict(headers)
    if _TRACE_ID in names or _TRACEPARENT in names:
        headers = [header for header in headers if header[0] not in _OURS]
    if _CONTENT_LENGTH not in names:
        pinned_snapshot_var.set(None)  # a stream may live for hours: it sees the settings of the moment
    return {**message, "headers": [*headers, *ours]}


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

    __slots__ = ("_is_gone", "_ours", "_receive", "_send", "is_complete", "status")

    def __init__(self, receive: Receive, send: Send, ours: Headers) -> None:
        self._receive = receive
        self._send = send
        self._ours = ours
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
        if self.status:
            self.is_complete = message["type"] == "http.response.body" and not message.get("more_body")
        elif message["type"] == "http.response.start":
            self.status = message["status"]
            message = with_headers(message, self._ours)
        return self._send(message)
