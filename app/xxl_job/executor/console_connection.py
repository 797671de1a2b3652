"""One connection to a console: one request at a time, without a task."""

import asyncio
from collections.abc import Callable
from typing import cast

from app.common.errors import UpstreamError
from app.xxl_job.executor.console_answer import Answer, AnswerReader, ServerDisconnectedError


class ConsoleConnection(asyncio.Protocol):
    """Whatever goes wrong is told to who waits for the answer; the connection is of no use afterwards."""

    def __init__(self, on_made: "Heed", on_lost: "Heed") -> None:
        self._on_made = on_made
        self._on_lost = on_lost
        self._reader = AnswerReader()
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._is_spent = False
        self.idle_since = 0.0

    def ask(self, request: bytes) -> asyncio.Future[Answer]:
        """The future raises UpstreamError or OSError; `ServerDisconnectedError` when nothing of an answer came."""
        self._answer = asyncio.get_running_loop().create_future()
        self._reader.begin()
        if self._transport is None or self._is_spent or self._transport.is_closing():
            self._answer.set_exception(ServerDisconnectedError())
        else:
            self._transport.write(request)
        return self._answer

    @property
    def is_reusable(self) -> bool:
        """Whether another request can be sent: the last one was sent and answered whole, and nothing came after."""
        if self._is_spent or self._transport is None or self._transport.is_closing():
            return False
        return self._reader.answer is not None and not self._transport.get_write_buffer_size()

    def abort(self) -> None:
        """Closes at once."""
        self._is_spent = True
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._on_made(self)
        if self._is_spent:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc)
        self._transport = None
        self._on_lost(self)

    def data_received(self, data: bytes) -> None:
        answer = self._answer
        if answer is None or answer.done():  # nobody asked
            self.abort()
            return
        try:
            self._reader.feed(data)
        except UpstreamError as error:
            self._is_spent = True
            answer.set_exception(error)
            return
        self._pass_on(answer)

    def eof_received(self) -> None:
        self._end(None)

    def _end(self, exc: Exception | None) -> None:
        self._is_spent = True
        answer = self._answer
        if answer is None or answer.done():
            return
        if exc is not None and self._reader.has_begun:
            answer.set_exception(exc)
            return
        try:
            self._reader.end()
        except UpstreamError as error:
            error.__cause__ = exc
            answer.set_exception(error)
            return
        self._pass_on(answer)

    def _pass_on(self, answer: asyncio.Future[Answer]) -> None:
        if self._reader.answer is not None:
            self._is_spent = self._is_spent or self._reader.is_last
            answer.set_result(self._reader.answer)


Heed = Callable[[ConsoleConnection], None]
