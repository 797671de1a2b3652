"""Brings the events of runs, whatever thread they happen in, to the control loop."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from app.jobs.run import Run, RunEvents


class Mailbox:
    """A RunEvents that delivers in order to `receiver` on its loop. After the loop has closed nobody listens."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.receiver: RunEvents | None = None

    def started(self, run: Run) -> None:
        self._deliver(lambda receiver: receiver.started(run))

    def settled(self, run: Run) -> None:
        self._deliver(lambda receiver: receiver.settled(run))

    def ended(self, run: Run) -> None:
        self._deliver(lambda receiver: receiver.ended(run))

    def _deliver(self, step: Callable[[RunEvents], None]) -> None:
        receiver = self.receiver
        if receiver is not None:
            with suppress(RuntimeError):  # an abandoned body that ends after the executor has
                self._loop.call_soon_threadsafe(step, receiver)
