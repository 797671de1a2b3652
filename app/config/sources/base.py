"""The settings source port: where the text of the settings comes from."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Protocol


class Trigger(StrEnum):
    """What made an apply happen."""

    START = "start"
    PUSH = "push"
    POLL = "poll"
    FILE = "file"
    REFRESH = "refresh"
    JOB = "job"
    RETRY = "retry"


@dataclass(frozen=True)
class Document:
    """One document's name (file name or data id) and unsubstituted text."""

    name: str
    text: str

    @cached_property
    def md5(self) -> str:
        """Lower-case hex of the UTF-8 bytes, as Nacos counts it."""
        return hashlib.md5(self.text.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Documents:
    """Every document of one fetch, in rising precedence, and which kind of source gave them."""

    source: str
    items: tuple[Document, ...]
    from_last_good: bool = False
    version: tuple[int, str] | None = None
    """Revision and md5 of the snapshot that another process composed of them; None: both are counted here."""

    @cached_property
    def md5(self) -> str:
        """The md5 of the only document, else the md5 over the documents' md5s in order."""
        if self.version is not None:
            return self.version[1]
        if len(self.items) == 1:
            return self.items[0].md5
        joined = ",".join(item.md5 for item in self.items)
        return hashlib.md5(joined.encode(), usedforsecurity=False).hexdigest()


Deliver = Callable[[Documents, Trigger], Awaitable[object]]


class ConfigSource(Protocol):
    """Gives the documents, and tells when they change. Used from one event loop."""

    kind: str

    async def open(self) -> Documents:
        """Connects and returns the first documents.

        Raises StartupError, naming what was tried, when there is nothing to start with.
        """
        ...

    async def fetch(self) -> Documents:
        """Reads the documents now. Raises SourceUnavailable when they can't be had; absence never reads as empty."""
        ...

    async def watch(self, deliver: Deliver) -> None:
        """Delivers every change until cancelled. Survives any failure of the source and of `deliver`."""
        ...

    async def load_last_good(self) -> Documents | None:
        """The text remembered last, `from_last_good` set; None without one. Never raises."""
        ...

    async def remember(self, documents: Documents) -> None:
        """Told of each text that was applied: the last known good. Failure is logged, never raised."""
        ...

    def status(self) -> Mapping[str, Any]:
        """What `/nacos/status` shows of the source; no secrets."""
        ...

    async def close(self) -> None:
        """Releases what `open` took. Never raises."""
        ...
