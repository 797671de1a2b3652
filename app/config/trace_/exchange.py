"""One HTTP exchange as the request middleware sees it: which ids it has, and how far its answer got."""

import random
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
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

UNMATCHED: Final = "unmatched"


def identify(headers: Iterable[Header]) -> tuple[str, str]:
    """The trace id of a request by the trace rule, and a `traceparent` of it."""
    trace_id = traceparent = None
    for name, value in headers:
        if name == _TRACE_ID:
            trace_id = value.decode("latin-1")
        elif name == _TRACEPARENT:
            traceparent = value.decode("latin-1")
    if trace_id is None and traceparent is None:
        digits = f"{random.getrandbits(_ID_BITS):048x}"
        return digits[:_ID_DIGITS], f"00-{digits[:_ID_DIGITS]}-{digits[_ID_DIGITS:]}-01"
    chosen = choose_trace_id(traceparent, trace_id)
    return chosen, build_traceparent(chosen)


def with_trace(message: Message, trace_id: str, traceparent: str) -> Message:
    """The message that starts an answer, with our headers in place of any of that name. The given one stays as is."""
    given = message.get("headers", ())
    if not _OURS.isdisjoint(dict(given)):
        given = [header for header in given if header[0] not in _OURS]
    return {
        **message,
        "headers": [*given, (_TRACE_ID, trace_id.encode()), (_TRACEPARENT, traceparent.encode())],
    }


def _is_sized(message: Message) -> bool:
    """Whether an answer says how long it is; what doesn't is a stream (or empty)."""
    return b"content-length" in dict(message["headers"])


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
        kind = message["type"]
        if kind == "http.response.start":
            self.status = message["status"]
            message = with_trace(message, self.trace_id, self.traceparent)
            if not _is_sized(message):
                pinned_snapshot_var.set(None)  # a stream may live for hours: it sees the settings of the moment
        elif kind == "http.response.body" and not message.get("more_body"):
            self.is_complete = True
        return self._send(message)
