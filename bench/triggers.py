"""The other half of a console: triggers runs over keep-alive connections, and waits until all are called back."""

import asyncio
import statistics
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Final, cast

from bench.console import Console

HOST: Final = "127.0.0.1"
PATIENCE_SECONDS: Final = 60.0
"""Without any progress for so long, callbacks are missing."""
_LENGTH: Final = b"content-length:"
_END: Final = b"\r\n\r\n"
_ACCEPTED: Final = (b'"code":200', b'"code": 200')


@dataclass(frozen=True)
class Load:
    """`window`: so many runs are under way at most. `per_second`: one after the other at that pace, whatever comes."""

    port: int
    token: str
    runs: int
    job_ids: int = 200
    connections: int = 16
    window: int = 100
    per_second: float = 0.0
    handler: str = "noop"
    param: str = ""


class Triggers:
    """One load. Log ids are `first_log_id` and the numbers after it."""

    def __init__(self, load: Load, console: Console, first_log_id: int) -> None:
        self._load = load
        self._console = console
        self._first = first_log_id
        self._log_date_time = time.time_ns() // 1_000_000
        self._idle: deque[TriggerConnection] = deque()
        self._due: deque[tuple[int, float]] = deque()
        self._triggered_at: dict[int, float] = {}
        self._accepted_after: list[float] = []
        self._refusals: list[str] = []
        self._next = 0
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> dict[str, Any]:
        """The figures; whatever is missing, refused or failed is in them."""
        loop = asyncio.get_running_loop()
        connections = [
            (await loop.create_connection(lambda: TriggerConnection(self), HOST, self._load.port))[1]
            for _ in range(self._load.connections)
        ]
        self._idle.extend(connections)
        self._console.on_callbacks = self._pump
        used = time.process_time()
        if self._load.per_second:
            self._tick(loop, loop.time())
        self._pump()
        await self._wait()
        for connection in connections:
            connection.close()
        return self._figures(time.process_time() - used)

    def answered(self, connection: "TriggerConnection", log_id: int, body: bytes) -> None:
        """An answer to /run is complete."""
        self._accepted_after.append(time.perf_counter() - self._triggered_at[log_id])
        if not any(code in body for code in _ACCEPTED):
            self._refusals.append(body[:200].decode(errors="replace"))
        self._idle.append(connection)
        self._pump()

    def failed(self, reason: str) -> None:
        """A connection broke: nothing measured afterwards would mean anything."""
        if not self._done.done():
            self._done.set_exception(RuntimeError(reason))

    def _tick(self, loop: asyncio.AbstractEventLoop, when: float) -> None:
        """Every trigger at its own time: a slow executor doesn't slow its load down."""
        self._due.append((self._next, time.perf_counter()))
        self._next += 1
        if self._next < self._load.runs:
            when += 1 / self._load.per_second
            loop.call_at(when, self._tick, loop, when)
        self._pump()

    def _pump(self) -> None:
        if self._load.per_second:
            while self._idle and self._due:
                self._send(*self._due.popleft())
        else:
            under_way = self._next - len(self._console.arrivals) - len(self._refusals)
            room = min(self._load.window - under_way, self._load.runs - self._next, len(self._idle))
            for _ in range(room):
                self._send(self._next, time.perf_counter())
                self._next += 1
        if len(self._console.arrivals) + len(self._refusals) >= self._load.runs and not self._done.done():
            self._done.set_result(None)

    def _send(self, number: int, now: float) -> None:
        log_id = self._first + number
        self._triggered_at[log_id] = now
        self._idle.popleft().send(log_id, self._request(log_id, number))

    def _request(self, log_id: int, number: int) -> bytes:
        load = self._load
        body = (
            f'{{"jobId":{1 + number % load.job_ids},"executorHandler":"{load.handler}","executorParams":"{load.param}",'
            f'"executorBlockStrategy":"SERIAL_EXECUTION","executorTimeout":0,"logId":{log_id},'
            f'"logDateTime":{self._log_date_time},"glueType":"BEAN","glueSource":"","glueUpdatetime":1795359934000,'
            '"broadcastIndex":0,"broadcastTotal":1}'
        )
        return (
            f"POST /run HTTP/1.1\r\nContent-Type: application/json;charset=UTF-8\r\nAccept-Charset: UTF-8\r\n"
            f"XXL-JOB-ACCESS-TOKEN: {load.token}\r\nUser-Agent: Java/17.0.15\r\nHost: {HOST}:{load.port}\r\n"
            f"Accept: text/html, image/gif, image/jpeg, */*; q=0.2\r\nConnection: keep-alive\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    async def _wait(self) -> None:
        seen = -1
        while not self._done.done():
            await asyncio.wait([self._done], timeout=PATIENCE_SECONDS)
            progress = len(self._console.arrivals) + len(self._accepted_after)
            if progress == seen:
                return
            seen = progress
        self._done.result()

    def _figures(self, cpu_seconds: float) -> dict[str, Any]:
        arrivals = self._console.arrivals
        latencies = sorted(arrivals[log_id] - at for log_id, at in self._triggered_at.items() if log_id in arrivals)
        accepts = sorted(self._accepted_after)
        seconds = max(arrivals.values(), default=0.0) - min(self._triggered_at.values(), default=0.0)
        return {
            "runs": self._load.runs,
            "completed_per_second": len(latencies) / seconds if seconds > 0 else 0.0,
            "callback_p50_ms": _quantile(latencies, 0.5) * 1000,
            "callback_p99_ms": _quantile(latencies, 0.99) * 1000,
            "accept_p50_ms": _quantile(accepts, 0.5) * 1000,
            "accept_p99_ms": _quantile(accepts, 0.99) * 1000,
            "missing": self._load.runs - len(self._refusals) - len(latencies),
            "duplicates": self._console.duplicates,
            "refusals": self._refusals,
            "failures": self._console.failures,
            "callbacks_a_request": len(latencies) / max(1, self._console.requests),
            "messages": list(self._console.messages.values())[:10],
            "log_id": self._first,
            "log_date_time": self._log_date_time,
            "load_cpu_us_a_run": cpu_seconds / self._load.runs * 1e6,
        }


class TriggerConnection(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self, triggers: Triggers) -> None:
        self._triggers = triggers
        self._buffer = b""
        self._log_id = 0
        self._closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def send(self, log_id: int, request: bytes) -> None:
        self._log_id = log_id
        self._transport.write(request)

    def close(self) -> None:
        self._closing = True
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(_END)
        if end < 0:
            return
        head = self._buffer[:end].lower()
        start = head.find(_LENGTH) + len(_LENGTH)
        length = int(head[start:].split(b"\r\n", 1)[0])
        if len(self._buffer) < end + len(_END) + length:
            return
        body, self._buffer = self._buffer[end + len(_END) :], b""
        if not head.startswith(b"http/1.1 200"):
            self._triggers.failed(head.decode(errors="replace"))
            return
        self._triggers.answered(self, self._log_id, body)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._closing:
            self._triggers.failed(f"the executor closed the connection: {exc}")


def _quantile(ordered: list[float], share: float) -> float:
    if not ordered:
        return float("nan")
    return statistics.median(ordered) if share == 0.5 else ordered[min(len(ordered) - 1, int(len(ordered) * share))]
