"""The settings source's memory twin."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.common.errors import SourceUnavailable
from app.config.sources.base import Deliver, Document, Documents, Trigger


class MemorySource:
    """Holds one document; `publish` changes it and reaches the watcher. `available = False` plays an outage."""

    kind = "memory"

    def __init__(self, text: str = "{}\n", name: str = "memory.yaml") -> None:
        self._name = name
        self._text = text
        self._changed = asyncio.Event()
        self.available = True
        self.remembered: list[Documents] = []

    def publish(self, text: str) -> None:
        self._text = text
        self._changed.set()

    def start_from_last_good(self, text: str) -> None:
        """Plays a source that is away at the start, and whose last good text is known."""
        self.available = False
        self.remembered.append(Documents(self.kind, (Document(self._name, text),)))

    async def open(self) -> Documents:
        last_good = None if self.available else await self.load_last_good()
        return last_good or await self.fetch()

    async def fetch(self) -> Documents:
        if not self.available:
            raise SourceUnavailable("the memory source is switched off")
        return Documents(self.kind, (Document(self._name, self._text),))

    async def watch(self, deliver: Deliver) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            await deliver(await self.fetch(), Trigger.PUSH)

    async def load_last_good(self) -> Documents | None:
        return replace(self.remembered[-1], from_last_good=True) if self.remembered else None

    async def remember(self, documents: Documents) -> None:
        self.remembered.append(documents)

    def status(self) -> Mapping[str, Any]:
        return {"kind": self.kind, "available": self.available}

    async def close(self) -> None:
        return None
