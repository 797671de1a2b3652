"""What the Nacos source needs of a client: reading over any door, and a session that is told of changes."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from app.common.errors import SourceUnavailable

Changed = Callable[[str, str | None], None]
"""Called with a data id and its text, None when it is absent. Never raises, never waits."""


class Unreachable(SourceUnavailable):
    """No Nacos server answered at all: another door may."""


class TextReader(Protocol):
    """Reads single documents."""

    async def read(self, namespace: str, data_id: str) -> str | None:
        """The text, None when absent or empty. Raises Unreachable, or SourceUnavailable for any other failure."""
        ...


class NacosSession(TextReader, Protocol):
    """A connection that listens. Replaced whole when something is wrong with it."""

    async def listen(self, data_id: str, changed: Changed) -> None:
        """Has `changed` called on every change, and once now if there is a text. Raises SourceUnavailable."""
        ...

    @property
    def connected(self) -> bool:
        """Whether the server is reached right now. Says nothing of the listener."""
        ...

    def trouble(self) -> str | None:
        """Why this session will never tell of a change again; None while it may."""
        ...

    async def close(self) -> None:
        """Ends everything the session started, within seconds. Never raises but for the caller's own cancellation."""
        ...


Connect = Callable[[str], Awaitable[NacosSession]]
"""Opens a session that listens in a namespace. Raises SourceUnavailable; leaves nothing behind then."""
