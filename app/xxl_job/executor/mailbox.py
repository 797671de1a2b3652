"""Brings what happens in other threads to the control loop: many letters, one wake-up."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from app.jobs.run import Run, RunEvents


class Mailbox:
    """Calls in order on the loop what was posted from any thread. After the loop has closed nobody listens."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._letters: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._called = False

    def post(self, receive: Callable[..., None], *values: Any) -> None:
        self._letters.append((receive, values))
        if not self._called:
            self._call()

    def _call(self) -> None:
        self._called = True
        with suppress(RuntimeError):  # an abandoned body that ends after the executor has
            self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        self._called = False  # first: a letter posted from here on may cause one wake-up too many, never one too few
        letters = self._letters
        try:
            for _ in range(len(letters)):
                receive, values = letters.popleft()
                receive(*values)
        finally:
            if letters and not self._called:
                self._call()


class PostedEvents:
    """A RunEvents that reaches `receiver` by the mailbox."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._post = mailbox.post
        self.receiver: RunEvents | None = None

    def started(self, run: Run) -> None:
        if self.receiver is not None:
            self._post(self.receiver.started, run)

    def settled(self, run: Run) -> None:
        if self.receiver is not None:
            self._post(self.receiver.settled, run)

    def ended(self, run: Run) -> None:
        if self.receiver is not None:
            self._post(self.receiver.ended, run)
