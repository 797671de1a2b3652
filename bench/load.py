"""The load: keep-alive connections over raw sockets, each sending its next request when the answer is complete.

`python -m bench.load PORT PATH CONNECTIONS WARM_SECONDS SECONDS` prints one JSON line. Any answer but 200 is an error.
"""

import asyncio
import json
import statistics
import sys
import time
from typing import cast

import uvloop

HOST = "127.0.0.1"
_LENGTH = b"content-length: "
_END = b"\r\n\r\n"


class Connection(asyncio.Protocol):
    """One connection; counts what is answered between `begin` and `end`."""

    def __init__(self, request: bytes, begin: float, end: float) -> None:
        self._request = request
        self._begin = begin
        self._end = end
        self._buffer = b""
        self._sent_at = 0.0
        self.latencies: list[float] = []
        self.requests = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._send(time.perf_counter())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(_END)
        if head < 0:
            return
        start = self._buffer.find(_LENGTH) + len(_LENGTH)
        length = int(self._buffer[start : self._buffer.find(b"\r\n", start)])
        if len(self._buffer) < head + len(_END) + length:
            return
        if not self._buffer.startswith(b"HTTP/1.1 200"):
            self._finish(RuntimeError(self._buffer[:200].decode(errors="replace")))
            return
        self._buffer = b""
        self._answered(time.perf_counter())

    def connection_lost(self, exc: Exception | None) -> None:
        self._finish(exc or ConnectionError("the server closed the connection"))

    def _send(self, now: float) -> None:
        self._sent_at = now
        self._transport.write(self._request)

    def _answered(self, now: float) -> None:
        self.requests += 1
        if self._begin <= now < self._end:
            self.latencies.append(now - self._sent_at)
        if now >= self._end:
            self._finish(None)
            self._transport.close()
        else:
            self._send(now)

    def _finish(self, error: Exception | None) -> None:
        if self.done.done():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)


async def run(port: int, path: str, connections: int, warm_seconds: float, seconds: float) -> dict[str, float]:
    """Requests a second and latencies in milliseconds of the measured time; `requests` counts the warm-up too."""
    loop = asyncio.get_running_loop()
    request = f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nAccept: */*\r\n\r\n".encode()
    begin = time.perf_counter() + warm_seconds
    opened = [
        (await loop.create_connection(lambda: Connection(request, begin, begin + seconds), HOST, port))[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(connection.done for connection in opened))
    latencies = sorted(latency for connection in opened for latency in connection.latencies)
    return {
        "requests": sum(connection.requests for connection in opened),
        "requests_per_second": len(latencies) / seconds,
        "p50_ms": statistics.median(latencies) * 1000,
        "p99_ms": latencies[int(len(latencies) * 0.99)] * 1000,
    }


if __name__ == "__main__":
    port, path, connections, warm, duration = sys.argv[1:]
    print(json.dumps(uvloop.run(run(int(port), path, int(connections), float(warm), float(duration)))))
