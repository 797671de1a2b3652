"""A console in the test's own process: answers as XXL-JOB's 3.3 does, keeps what it was told, fails on demand."""

import json
import threading
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

_API: Final = "/xxl-job-admin/api/"
_SUCCESS: Final = {"code": 200, "data": None, "msg": "Success", "success": True}


class Fault(StrEnum):
    """How the console misbehaves while `fault` is set."""

    REFUSE = "refuse"
    """HTTP 200 with code 500, as for a wrong token."""
    HTTP_500 = "http_500"
    GARBAGE = "garbage"
    DROP = "drop"
    """Closes the connection without an answer."""


class FakeConsole:
    """`with FakeConsole() as console:` then point `xxl-job.url` at `console.url`, `access_token` at `console.token`."""

    def __init__(self, token: str = "fake-console-token", port: int = 0) -> None:  # noqa: S107 - a double's token
        self.token = token
        self.fault: Fault | None = None
        self.requests: list[tuple[str, Any]] = []
        """Every request with a body that could be read, in order: name and body; refused ones too."""
        self.registrations: list[dict[str, str]] = []
        self.removals: list[dict[str, str]] = []
        self.callbacks: list[dict[str, Any]] = []
        """Accepted callbacks, in order, one by one."""
        self._port = port
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/xxl-job-admin"

    def callback_of(self, log_id: int) -> dict[str, Any] | None:
        """The first accepted callback of a run, or None."""
        return next((item for item in list(self.callbacks) if item["logId"] == log_id), None)

    def start(self) -> None:
        """Listens; after `stop` on the same port again."""
        self._server = _Server(("127.0.0.1", self._port), _handler_for(self))
        self._port = self._server.server_address[1]
        serve = self._server.serve_forever
        self._thread = threading.Thread(target=serve, args=(0.02,), name="fake-console", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Is down: connections are refused."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def answer(self, name: str, token: str, body: Any) -> dict[str, Any]:
        """What the console says to one request that reached it."""
        self.requests.append((name, body))
        if token != self.token or self.fault is Fault.REFUSE:
            return {"code": 500, "data": None, "msg": "The access token is wrong.", "success": False}
        if name == "callback":
            self.callbacks.extend(body)
        else:
            (self.registrations if name == "registry" else self.removals).append(body)
        return _SUCCESS


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


def _handler_for(console: FakeConsole) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if console.fault is Fault.DROP:
                self.close_connection = True
                return
            status, text = self._reply(raw)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def _reply(self, raw: bytes) -> tuple[int, bytes]:
            if console.fault is Fault.HTTP_500:
                return 500, b"Internal Server Error"
            if console.fault is Fault.GARBAGE:
                return 200, b"<html>a login page</html>"
            if not self.path.startswith(_API):
                return 404, b""
            token = self.headers.get("XXL-JOB-ACCESS-TOKEN", "")
            answer = console.answer(self.path.removeprefix(_API), token, json.loads(raw))
            return 200, json.dumps(answer).encode()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's parameter
            return

    return Handler
