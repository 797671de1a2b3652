"""A WeCom robot to test against: enforces the service's limits, answers its error codes, keeps what it took.

with RobotDouble(keys={"k1"}) as robot:
    ...  # wechat.base_url = robot.url
    assert robot.contents("k1") == ["hello"]
"""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit

SEND_PATH: Final = "/cgi-bin/webhook/send"
_LONGEST_HANG_SECONDS: Final = 60
_CONTENT_LIMITS: Final = {"text": 2048, "markdown": 4096, "markdown_v2": 4096}


@dataclass(frozen=True)
class Accepted:
    """A message that the robot took; `at` is by the double's clock."""

    key: str
    payload: dict[str, Any]
    at: float

    @property
    def content(self) -> str:
        """Its text, whichever type it is."""
        content: str = self.payload[self.payload["msgtype"]]["content"]
        return content


class RobotDouble:
    """An HTTP server on a free port of 127.0.0.1, in threads of its own."""

    def __init__(
        self,
        keys: Collection[str] = ("robot-key-1",),
        *,
        limit: int = 20,
        window_seconds: float = 60,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.keys = set(keys)
        self.limit = limit
        self.window_seconds = window_seconds
        self.throttle_code = 45009
        """130101 is what some gateways answer instead."""
        self.content_limits = dict(_CONTENT_LIMITS)
        self.latency_seconds = 0.0
        self.http_status: int = HTTPStatus.OK
        """Anything else is answered before the message is looked at."""
        self.answers: list[bytes] = []
        """Bodies to answer next, in order, instead of judging the message."""
        self.accepted: list[Accepted] = []
        self.refused: list[int] = []
        """The error codes that were answered, in order."""
        self.requests = 0
        self._clock = clock
        self._lock = threading.Lock()
        self._free = threading.Event()
        self._free.set()
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        """What `wechat.base_url` must be."""
        if self._server is None:
            raise RuntimeError("the double serves inside its with block")
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def contents(self, key: str | None = None) -> list[str]:
        """The contents of the accepted messages, in order; of one robot, or of all."""
        return [message.content for message in self.accepted if key in {None, message.key}]

    def hang(self) -> None:
        """From now on requests are read and not answered, until `release`."""
        self._free.clear()

    def release(self) -> None:
        """Answers what hangs."""
        self._free.set()

    def most_in_a_window(self) -> int:
        """The most messages that one robot took within any window."""
        times: dict[str, list[float]] = defaultdict(list)
        for message in self.accepted:
            times[message.key].append(message.at)
        return max(
            (sum(start <= at < start + self.window_seconds for at in own) for own in times.values() for start in own),
            default=0,
        )

    def __enter__(self) -> Self:
        self._server = _Server(self)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def take(self, path: str, body: bytes) -> tuple[int, bytes]:
        """One request: the HTTP status and body that answer it."""
        with self._lock:
            self.requests += 1
        self._free.wait(_LONGEST_HANG_SECONDS)
        time.sleep(self.latency_seconds)
        with self._lock:
            if self.http_status != HTTPStatus.OK:
                return self.http_status, b"upstream failed"
            if self.answers:
                return HTTPStatus.OK, self.answers.pop(0)
            code, message = self._judge(path, body)
            if code:
                self.refused.append(code)
        return HTTPStatus.OK, json.dumps({"errcode": code, "errmsg": message}).encode()

    def _judge(self, path: str, body: bytes) -> tuple[int, str]:
        address = urlsplit(path)
        key = parse_qs(address.query).get("key", [""])[0]
        if address.path != SEND_PATH or key not in self.keys:
            return 93000, "invalid webhook url"
        try:
            payload = json.loads(body)
            content = payload[payload["msgtype"]]["content"].encode()
        except (ValueError, KeyError, TypeError, AttributeError):
            return 47001, "data format error"
        limit = self.content_limits.get(payload["msgtype"])
        if limit is None:
            return 40008, "invalid message type"
        if len(content) > limit:
            return 40058, f"{payload['msgtype']}.content exceed max length {limit}"
        now = self._clock()
        if sum(taken.key == key and now - taken.at < self.window_seconds for taken in self.accepted) >= self.limit:
            return self.throttle_code, "api freq out of limit"
        self.accepted.append(Accepted(key, payload, now))
        return 0, "ok"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, double: RobotDouble) -> None:
        self.double = double
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        """Hands the request to the double."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, answer = self.server.double.take(self.path, body)
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the signature that http.server calls
        """Silent: the key stands in the path."""
