"""A request as it was read, and an answer as it is written."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, Protocol
from urllib.parse import parse_qsl

from app.xxl_job.executor.protocol import FAIL, Answer

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_END_OF_HEAD: Final = b"\r\n\r\n"
_KEEP_ALIVE: Final = b"\r\nConnection: keep-alive\r\n\r\n"
_CLOSE: Final = b"\r\nConnection: close\r\n\r\n"
_HEAD_METHOD: Final = b"HEAD"


class Headers(Mapping[str, str]):
    """Looked up whatever the case; where a name is repeated the first counts."""

    __slots__ = ("_raw",)

    def __init__(self, raw: dict[bytes, bytes]) -> None:
        """`raw`: by names in lower case."""
        self._raw = raw

    def __getitem__(self, name: str) -> str:
        return self._raw[name.lower().encode()].decode("utf-8", "surrogateescape")

    def __iter__(self) -> Iterator[str]:
        return (name.decode("latin-1") for name in self._raw)

    def __len__(self) -> int:
        return len(self._raw)


NO_HEADERS: Final = Headers({})


class Responder(Protocol):
    """Who brings an answer to the caller."""

    def respond(self, request: "Request", reply: bytes) -> None: ...


@dataclass(eq=False, slots=True, kw_only=True)
class Request:
    """One request. Its body is read when it is handed to be answered, not yet when it is handed to be refused."""

    responder: Responder
    method: bytes = b""
    target: bytes = b""
    headers: Headers = field(default_factory=lambda: NO_HEADERS)
    arrived: float = 0.0
    """When its first byte came."""
    body: bytearray = field(default_factory=bytearray)
    keep_alive: bool = False
    is_http_1_0: bool = False
    is_whole: bool = True
    """False: it wasn't read to its end, and nothing after it can be."""
    refusal: bytes | None = None
    """The answer, where the head alone was enough to know it."""

    @property
    def path(self) -> str:
        if self.target.startswith(b"/"):
            return self.target.partition(b"?")[0].decode("latin-1")
        rest = self.target.partition(b"://")[2].partition(b"?")[0]  # as a proxy is asked
        return "/" + rest.partition(b"/")[2].decode("latin-1")

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.target.partition(b"?")[2].decode("latin-1"), keep_blank_values=True))

    def respond(self, reply: bytes) -> None:
        """Answers a request whose handler returned None. Nothing happens when the caller has gone."""
        self.responder.respond(self, reply)


def build_reply(body: bytes, status: int = HTTPStatus.OK) -> bytes:
    """A whole answer, head and body, that keeps the connection."""
    line = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
    head = f"{line}Content-Type: application/json; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def build_refusal(message: str, status: int) -> bytes:
    """A whole answer to what isn't even a question."""
    return build_reply(json.dumps(Answer(FAIL, message).as_json()).encode(), status)


def fit_reply(reply: bytes, request: Request, *, closes: bool) -> bytes:
    """The answer as this caller must get it."""
    if closes:
        reply = reply.replace(_END_OF_HEAD, _CLOSE, 1)
    elif request.is_http_1_0:
        reply = reply.replace(_END_OF_HEAD, _KEEP_ALIVE, 1)
    if request.method == _HEAD_METHOD:
        reply = reply[: reply.index(_END_OF_HEAD) + len(_END_OF_HEAD)]
    return reply
