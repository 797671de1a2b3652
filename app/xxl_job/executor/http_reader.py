"""Makes requests of bytes, within bounds. The grammar is llhttp's, by httptools, at its strictest."""

from http import HTTPStatus
from typing import Final, Protocol

from httptools import HttpParserCallbackError, HttpParserError, HttpParserUpgrade, HttpRequestParser

from app.xxl_job.executor.http_message import Headers, Request, Responder, build_refusal

LARGEST_HEAD_BYTES: Final = 32 * 1024
LARGEST_BODY_BYTES: Final = 5 * 1024 * 1024
"""As Java's executor takes."""
UNREADABLE: Final = build_refusal("the request is not valid HTTP", HTTPStatus.BAD_REQUEST)
HEAD_TOO_LARGE: Final = build_refusal("the headers are too large", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
BODY_TOO_LARGE: Final = build_refusal("the request is too large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
_LINE_BYTES: Final = 4
"""What a header's line has besides name and value."""
_CONNECT: Final = b"CONNECT"
_OFFER: Final = frozenset({b"connection", b"upgrade", b"http2-settings"})
_CONTINUE: Final = b"100-continue"
_OLD: Final = "1.0"


class Listener(Responder, Protocol):
    """Hears of requests in the order in which they come."""

    def begin(self, arrived: float) -> None:
        """A request begins to arrive."""
        ...

    def refuse(self, request: Request) -> bytes | None:
        """The head is complete; an answer makes the body uninteresting."""
        ...

    def invite(self) -> None:
        """The caller waits to be asked for the body."""
        ...

    def receive(self, request: Request) -> None:
        """The request is complete, or has its refusal."""
        ...


class RequestReader:
    """Fed with what arrives. After a request that is the last one, or can't be read, nothing more is read."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._parser: HttpRequestParser | None = HttpRequestParser(self)
        self._read_at = 0.0
        self._head: dict[bytes, bytes] | None = None
        self._head_bytes = self._waiting_bytes = self._body_bytes = 0
        self._request = Request(responder=listener)

    def feed(self, data: bytes, read_at: float) -> None:
        """`read_at`: when these bytes came."""
        self._read_at = read_at
        in_head = self._head
        while data and self._parser is not None:
            try:
                self._parser.feed_data(data)
            except HttpParserUpgrade as upgrade:
                data = self._without_offer() + data[upgrade.args[0] :]
            except HttpParserCallbackError as error:
                if not isinstance(error.__context__, _Ended):
                    raise
            except HttpParserError:
                self._give_up(UNREADABLE)
            else:
                break
        if in_head is not None and in_head is self._head:
            self._waiting_bytes += len(data)
            if self._waiting_bytes > LARGEST_HEAD_BYTES:
                self._give_up(HEAD_TOO_LARGE)

    def end(self) -> None:
        """Reads no more."""
        self._parser = None

    def on_message_begin(self) -> None:
        self._head = {}
        self._head_bytes = self._waiting_bytes = self._body_bytes = 0
        self._request = Request(responder=self._listener, arrived=self._read_at)
        self._listener.begin(self._read_at)

    def on_url(self, target: bytes) -> None:
        self._request.target += target
        self._head_bytes += len(target)
        if self._head_bytes > LARGEST_HEAD_BYTES:
            self._stop(HEAD_TOO_LARGE)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value) + _LINE_BYTES
        if self._head_bytes > LARGEST_HEAD_BYTES:
            self._stop(HEAD_TOO_LARGE)
        if self._head is not None:  # else it comes after the body, where none means anything
            self._head.setdefault(name.lower(), value)

    def on_headers_complete(self) -> None:
        parser, head, request = self._parser, self._head, self._request
        if parser is None or head is None:
            raise _Ended
        request.method = parser.get_method()
        request.headers = Headers(head)
        request.keep_alive = parser.should_keep_alive()
        request.is_http_1_0 = parser.get_http_version() == _OLD
        if request.method == _CONNECT:
            self._stop(UNREADABLE)
        if parser.should_upgrade():
            return
        self._head = None
        request.refusal = self._listener.refuse(request)
        if int(head.get(b"content-length", 0)) > LARGEST_BODY_BYTES:
            self._stop(request.refusal or BODY_TOO_LARGE)
        if b"expect" in head and not request.is_http_1_0 and head[b"expect"].lower() == _CONTINUE:
            if request.refusal is not None:
                self._stop(request.refusal)
            self._listener.invite()

    def on_body(self, data: bytes) -> None:
        self._body_bytes += len(data)
        if self._body_bytes > LARGEST_BODY_BYTES:
            self._stop(self._request.refusal or BODY_TOO_LARGE)
        if self._request.refusal is None:
            self._request.body += data

    def on_message_complete(self) -> None:
        if self._head is not None:  # the parser takes the body for another protocol's: see _without_offer
            return
        if not self._request.keep_alive:
            self.end()
        self._listener.receive(self._request)

    def _without_offer(self) -> bytes:
        """The head that was just read, without its offer to speak HTTP/2 or another protocol: the body comes next."""
        head, request = self._head or {}, self._request
        self._read_at = request.arrived
        self._parser = HttpRequestParser(self)
        lines = [b"%b: %b" % (name, value) for name, value in head.items() if name not in _OFFER]
        if not request.keep_alive:
            lines.append(b"Connection: close")
        return b"\r\n".join([b"%b %b HTTP/1.1" % (request.method, request.target), *lines, b"\r\n"])

    def _stop(self, reply: bytes) -> None:
        """Within a callback of the parser."""
        self._give_up(reply)
        raise _Ended

    def _give_up(self, reply: bytes) -> None:
        if self._parser is None:
            return
        self.end()
        self._listener.receive(Request(responder=self._listener, is_whole=False, refusal=reply))


class _Ended(Exception):
    """Makes the parser stop where it is."""
