"""Hand-made parts for tests of the settings: a schema, a resource that obeys, an observer that remembers."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.config.compose import Schema
from app.config.history import ApplyResult
from app.config.live import LiveSettings
from app.config.placeholders import PlaceholderSource
from app.config.resource import Health, Refused
from app.config.settings import DatabaseSettings, Section
from app.config.sources.base import Document, Documents, Trigger
from app.config.sources.memory import MemorySource
from app.config.subscriptions import Subscriptions


class OrdersSettings(Section):
    limit: int = 10
    mode: str = "fast"


def build_schema(
    variables: Mapping[str, str] | None = None,
    *,
    secrets_dir: Path = Path("/nonexistent"),
    allowed: frozenset[str] | None = None,
) -> Schema:
    placeholders = PlaceholderSource(dict(variables or {}), secrets_dir, allowed)
    return Schema(placeholders, {"orders": OrdersSettings})


def documents(*texts: str, source: str = "memory") -> Documents:
    names = ("base.yaml", "app.yaml", "more.yaml")
    return Documents(source, tuple(Document(name, text) for name, text in zip(names, texts, strict=False)))


@dataclass
class RecordingResource:
    """A resource of the `database` section whose answers a test decides."""

    name: str = "database"
    section: str = "database"
    refuse: Refused | None = None
    raises: Exception | None = None
    settle_raises: Exception | None = None
    hold: asyncio.Event | None = None
    calls: list[tuple[str, Any]] = field(default_factory=list)

    async def prepare(self, new: DatabaseSettings, old: DatabaseSettings | None) -> str:
        self.calls.append(("prepare", new.name))
        if self.hold is not None:
            await self.hold.wait()
        if self.refuse is not None:
            raise self.refuse
        if self.raises is not None:
            raise self.raises
        return f"pool of {new.name}"

    def commit(self, value: str) -> None:
        self.calls.append(("commit", value))

    async def settle(self, old: str | None) -> None:
        self.calls.append(("settle", old))
        if self.settle_raises is not None:
            raise self.settle_raises

    async def discard(self, value: str) -> None:
        self.calls.append(("discard", value))

    async def check(self) -> Health:
        return Health(up=True)


@dataclass
class RecordingObserver:
    results: list[ApplyResult] = field(default_factory=list)
    resources: list[tuple[str, str | None]] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)

    def applied(self, result: ApplyResult) -> None:
        self.results.append(result)

    def resource_changed(self, name: str, missing: str | None) -> None:
        self.resources.append((name, missing))

    def failed(self, what: str, error: BaseException) -> None:
        self.failures.append((what, type(error).__name__))


@dataclass
class Desk:
    """LiveSettings with all its parts within reach."""

    source: MemorySource
    resource: RecordingResource
    observer: RecordingObserver
    listeners: Subscriptions
    live: LiveSettings

    async def apply(self, *texts: str, trigger: Trigger = Trigger.PUSH) -> ApplyResult:
        return await self.live.apply(documents(*texts), trigger)


def build_desk(text: str = "{}\n", *, schema: Schema | None = None) -> Desk:
    source, resource, observer = MemorySource(text), RecordingResource(), RecordingObserver()
    listeners = Subscriptions()
    live = LiveSettings(source, schema or build_schema(), (resource,), observer, listeners=listeners)
    return Desk(source, resource, observer, listeners, live)


async def settled(desk: Desk) -> None:
    """Lets everything that an apply started in the background run to its end."""
    async with asyncio.timeout(5):
        while desk.live.is_settling:
            await asyncio.sleep(0)
