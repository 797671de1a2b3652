"""A request that takes as long as the test wants: its body is held back."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from servers.ports import HOST

BODY = b"{}"


class SlowRequest:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def finish(self) -> str:
        """Sends the body, and returns the answer's first line."""
        self._connection.sendall(BODY)
        with self._connection.makefile("rb") as stream:
            return stream.readline().decode().strip()


@contextmanager
def open_slow_request(port: int, path: str, token: str) -> Iterator[SlowRequest]:
    """A POST whose headers are sent, and confirmed as read by the server."""
    with socket.create_connection((HOST, port), timeout=20) as connection:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {token}\r\nExpect: 100-continue\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
        )
        connection.sendall(head.encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 100")  # the application waits for the body now
        yield SlowRequest(connection)
