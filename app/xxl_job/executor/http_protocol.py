"""One connection to the executor: HTTP/1.1, answered in the order of the requests, without a task."""

import asyncio
from collections import deque
from typing import Protocol, cast

from app.xxl_job.executor.arrival import TICK_SECONDS
from app.xxl_job.executor.connections import Connections
from app.xxl_job.executor.http_message import CONTINUE, Request, fit_reply
from app.xxl_job.executor.http_reader import RequestReader


class Site(Protocol):
    """What is behind the connections. Never raises."""

    def refuse(self, request: Request) -> bytes | None:
        """The answer to a request whose head is enough to know it."""
        ...

    def answer(self, request: Request) -> bytes | None:
        """The whole answer; None when `request.respond` will be called with it, now or later, on the loop."""
        ...


class HttpConnection(asyncio.Protocol):
    """Takes the next request when the one before has its answer, and reads no further than that needs."""

    def __init__(self, site: Site, connections: Connections) -> None:
        self.refuse = site.refuse
        self._answer = site.answer
        self._all = connections
        self._reader = RequestReader(self)
        self._transport: asyncio.Transport | None = None
        self._queue: deque[Request] = deque()
        self._current: Request | None = None
        self._is_working = self._is_stalled = self._is_held = self._is_leaving = self._is_invited = False
        self._arriving_since: float | None = None
        self._resting_since: float | None = None
        self._held_since = self._held_until = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if self._all.admit(self):
            self._arriving_since = self._all.clock.arrival()
        else:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = self._current = None
        self._queue.clear()
        self._reader.end()
        self._all.release(self)

    def data_received(self, data: bytes) -> None:
        read_at = self._all.clock.arrival()
        if read_at < self._held_until:  # it may have waited as long as nobody read
            read_at = min(read_at, self._held_since)
        self._reader.feed(data, read_at)

    def eof_received(self) -> bool:
        self._reader.end()
        self._is_leaving = True
        return self._is_busy

    def pause_writing(self) -> None:
        self._is_stalled, self._resting_since = True, None
        self._hold()

    def resume_writing(self) -> None:
        self._is_stalled, self._resting_since = False, None
        self._work()

    def begin(self, arrived: float) -> None:
        self._arriving_since = arrived

    def invite(self) -> None:
        self._is_invited = True
        self._work()

    def receive(self, request: Request) -> None:
        self._arriving_since = None
        self._is_invited = False
        self._queue.append(request)
        self._work()

    def respond(self, request: Request, reply: bytes) -> None:
        if request is self._current:
            self._write(request, reply)
            self._work()

    def leave(self) -> None:
        """Closes as soon as what was asked is answered."""
        self._is_leaving = True
        if self._transport is not None and not self._is_busy:
            self._transport.close()

    def abort(self) -> None:
        """Closes at once."""
        if self._transport is not None:
            self._transport.abort()

    def is_overdue(self, now: float) -> bool:
        """Whether the caller takes too long: with a request, with reading its answer, or with coming back."""
        if self._current is not None and not self._is_stalled:
            self._resting_since = None
            return False
        if self._arriving_since is not None and not self._is_stalled:
            return now - self._arriving_since > self._all.arrival_seconds
        if self._resting_since is None:
            self._resting_since = now
        return now - self._resting_since > self._all.idle_seconds

    @property
    def _is_busy(self) -> bool:
        return self._current is not None or bool(self._queue)

    def _work(self) -> None:
        if self._is_working:  # a handler that responds before it returns
            return
        self._is_working = True
        while self._queue and self._current is None and not self._is_stalled:
            request = self._current = self._queue.popleft()
            reply = request.refusal or self._answer(request)
            if reply is not None:
                self._write(request, reply)
        self._is_working = False
        if self._is_invited and not self._is_busy and self._transport is not None:
            self._is_invited = False
            self._transport.write(CONTINUE)
        if self._is_held or self._queue or self._is_stalled:
            self._hold()

    def _write(self, request: Request, reply: bytes) -> None:
        self._current = self._resting_since = None
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        closes = not request.keep_alive or (self._is_leaving and not self._queue)
        if closes or request.is_http_1_0 or request.method == b"HEAD":
            reply = fit_reply(reply, request, closes=closes)
        transport.write(reply)
        if closes and request.is_whole:
            transport.close()
        elif closes:  # while the caller is still sending, closing would take the answer away from it
            self._arriving_since = self._all.clock.arrival()
            transport.write_eof()

    def _hold(self) -> None:
        """Reads only while there is nothing to be answered first."""
        held = bool(self._queue) or self._is_stalled
        if held is self._is_held or self._transport is None or self._transport.is_closing():
            return
        self._is_held = held
        now = self._all.clock.arrival()
        if held:
            self._held_since = now
            self._transport.pause_reading()
        else:
            self._held_until = now + TICK_SECONDS
            self._transport.resume_reading()
