"""The HTTP side of a fake console: requests in, faults and answers out."""

import json
import sys
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Protocol

from app.testing.console_faults import Fault, Faults

_API: Final = "/api/"
_BROKEN: Final[Mapping[Fault, tuple[int, bytes]]] = {
    Fault.HTTP_500: (500, b"Internal Server Error"),
    Fault.GARBAGE: (200, b"<html>a login page</html>"),
    Fault.REDIRECT: (302, b""),
}


class Console(Protocol):
    """What stands behind the HTTP."""

    path: str
    faults: Faults

    def answer(self, name: str, headers: Mapping[str, str], raw: bytes, *, refuse: bool) -> dict[str, Any]:
        """`headers` by their names in capitals. `refuse`: take nothing, whatever it is."""
        ...


class ConsoleServer(ThreadingHTTPServer):
    """A thread for each request."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that didn't wait for its answer is no error of the console."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def handler_for(console: Console) -> type[BaseHTTPRequestHandler]:
    faults = console.faults

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            met = faults.meet()
            fault = met.fault
            if fault is Fault.HANG:
                met.hold(None)
            if fault in {Fault.HANG, Fault.DROP}:
                self.close_connection = True
                return
            status, text = self._reply(fault, raw)
            if fault is Fault.SLOW:
                met.hold(faults.slow_seconds)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            if fault is Fault.REDIRECT:
                self.send_header("Location", "/login")
            self.end_headers()
            self.wfile.write(text)

        def _reply(self, fault: Fault | None, raw: bytes) -> tuple[int, bytes]:
            if fault is not None and fault in _BROKEN:
                return _BROKEN[fault]
            prefix = console.path + _API
            if not self.path.startswith(prefix):
                return 404, b""
            headers = {name.upper(): value for name, value in self.headers.items()}
            answer = console.answer(self.path.removeprefix(prefix), headers, raw, refuse=fault is Fault.REFUSE)
            return 200, json.dumps(answer).encode()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's parameter
            return

    return Handler
