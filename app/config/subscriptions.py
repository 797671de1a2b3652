"""`@on_change("section.key")`: business code that runs after a change was committed."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from app.common.supervision import failure_of
from app.config.snapshot import Settings

Listener = Callable[[Any, Any], Awaitable[None] | None]
ListenerT = TypeVar("ListenerT", bound=Listener)
DEADLINE_SECONDS: Final = 30.0


@dataclass(frozen=True)
class ListenerFailed:
    """One listener that raised or ran out of time."""

    path: str
    listener: str
    error: BaseException


class Subscriptions:
    """Listeners by path. Each gets `(new, old)`; plain functions run in a thread, so neither may block the loop."""

    def __init__(self) -> None:
        self._listeners: list[tuple[str, Listener]] = []

    def on_change(self, path: str) -> Callable[[ListenerT], ListenerT]:
        """Registers a listener of the value at `path`, or of anything below it."""

        def register(listener: ListenerT) -> ListenerT:
            self._listeners.append((path, listener))
            return listener

        return register

    def remove(self, listener: Listener) -> None:
        self._listeners = [(path, known) for path, known in self._listeners if known is not listener]

    async def notify(self, new: Settings, old: Settings) -> tuple[ListenerFailed, ...]:
        """Calls every listener whose value differs, one after another; a failure doesn't keep the next from running."""
        failures = []
        for path, listener in tuple(self._listeners):
            before, after = old.get(path), new.get(path)
            if before != after and (error := await failure_of(_call(listener, after, before))):
                name = getattr(listener, "__qualname__", repr(listener))
                failures.append(ListenerFailed(path, name, error))
        return tuple(failures)


async def _call(listener: Listener, new: Any, old: Any) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        if inspect.iscoroutinefunction(listener):
            await listener(new, old)
        else:
            await asyncio.to_thread(listener, new, old)


subscriptions: Final = Subscriptions()
on_change = subscriptions.on_change
