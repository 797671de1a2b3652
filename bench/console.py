"""A stand-in console: takes registrations and callbacks as cheaply as it can, and remembers when each came."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any, Final, cast

import httptools

SUCCESS: Final = 200
_BODY: Final = b'{"code":200,"msg":"Success","data":null,"success":true}'
_YES: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
_UNKNOWN: Final = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


class Console:
    """What was called back: bare lists (up to 3.4) and `callbackList` (3.5)."""

    def __init__(self) -> None:
        self.addresses: set[str] = set()
        self.arrivals: dict[int, float] = {}
        self.messages: dict[int, str] = {}
        self.failures: list[str] = []
        self.duplicates = 0
        self.requests = 0
        self.on_callbacks: Callable[[], None] = _nothing

    def take(self, path: bytes, body: bytes) -> bytes:
        """The answer to one request."""
        if path.endswith(b"/api/callback"):
            self._take_callbacks(body, time.perf_counter())
        elif path.endswith(b"/api/registry"):
            self.addresses.add(json.loads(body)["registryValue"].rstrip("/"))
        elif not path.endswith(b"/api/registryRemove"):
            return _UNKNOWN
        return _YES

    def _take_callbacks(self, body: bytes, now: float) -> None:
        parsed = json.loads(body)
        items: list[dict[str, Any]] = parsed["callbackList"] if isinstance(parsed, dict) else parsed
        self.requests += 1
        for item in items:
            log_id = item["logId"]
            if log_id in self.arrivals:
                self.duplicates += 1
                continue
            self.arrivals[log_id] = now
            message = item.get("handleMsg")
            if message:
                self.messages[log_id] = message
            if item["handleCode"] != SUCCESS:
                self.failures.append(f"run {log_id}: {item['handleCode']} {message}")
        self.on_callbacks()

    def forget(self) -> None:
        """Before the next load."""
        self.arrivals.clear()
        self.messages.clear()
        self.failures.clear()
        self.duplicates = self.requests = 0


class ConsoleConnection(asyncio.Protocol):
    """One connection of an executor."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._parser = httptools.HttpRequestParser(self)
        self._path = b""
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._body = b""

    def on_url(self, url: bytes) -> None:
        self._path = url

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self._transport.write(self._console.take(self._path, self._body))


def _nothing() -> None:
    return
