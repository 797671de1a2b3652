"""A console whose answers a test writes down, served over real HTTP."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

API = "/api/v1/scheduler"
RUN: dict[str, Any] = {
    "log_id": 7,
    "job_id": 1,
    "handler": "report",
    "param": "",
    "app_name": "demo-executor",
    "address": "http://127.0.0.1:9999",
    "block_strategy": "SERIAL_EXECUTION",
    "timeout_seconds": 300,
    "shard_index": 0,
    "shard_total": 1,
    "trace_id": "xxl-demo-executor-7",
    "state": "running",
    "trigger_code": 200,
    "trigger_message": "",
    "handle_code": 0,
    "handle_message": "",
    "triggered_at": "2026-11-22T15:05:34Z",
    "finished_at": None,
}


def page(from_line: int, content: str, *, is_end: bool = False) -> dict[str, Any]:
    to_line = from_line - 1 + content.count("\n")
    return {"from_line": from_line, "to_line": to_line, "content": content, "is_end": is_end}


class StubConsole:
    """Answers each `METHOD path?query` with what was written down for it, in order; the last one stays."""

    def __init__(self) -> None:
        self.port = 0
        self.answers: dict[str, list[tuple[int, Any]]] = {}
        self.seen: list[str] = []
        self.authorizations: set[str] = set()
        self.bodies: list[Any] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, request: str, *answers: tuple[int, Any]) -> None:
        method, path = request.split(" ")
        self.answers[f"{method} {API}{path}"] = list(answers)

    def take(self, request: str) -> tuple[int, Any]:
        self.seen.append(request.replace(API, ""))
        found = self.answers.get(request)
        if not found:
            return 404, {"code": "NOT_FOUND", "message": f"nothing is written down for {request}"}
        return found.pop(0) if len(found) > 1 else found[0]


@contextmanager
def open_stub_console() -> Iterator[StubConsole]:
    stub = StubConsole()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            stub.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._answer()

        def _answer(self) -> None:
            stub.authorizations.add(self.headers["Authorization"])
            status, body = stub.take(f"{self.command} {self.path}")
            content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        stub.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield stub
        server.shutdown()
        thread.join()
