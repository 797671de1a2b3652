"""The one snapshot every request and run works from, and how code reads it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from app.common.context import pinned_snapshot_var
from app.common.errors import Unavailable
from app.config.settings import (
    DatabaseSettings,
    LogSettings,
    MetaSettings,
    Section,
    ServerSettings,
    WechatSettings,
    XxlJobSettings,
)

SectionT = TypeVar("SectionT", bound=Section)


@dataclass(frozen=True, slots=True)
class Settings:
    """The effective settings: typed sections, the features' own sections, and the whole document."""

    server: ServerSettings
    database: DatabaseSettings
    log: LogSettings
    xxl_job: XxlJobSettings
    wechat: WechatSettings
    meta: MetaSettings
    features: Mapping[str, Section]
    document: Mapping[str, Any] = field(repr=False)
    """Effective values by key as the documents write them, business keys too; deeply read-only, unmasked."""

    def get(self, path: str, default: Any = None) -> Any:
        """The value at a dotted path (`orders.limit`), or `default`."""
        node: Any = self.document
        for key in path.split("."):
            if not isinstance(node, Mapping) or key not in node:
                return default
            node = node[key]
        return node

    def section(self, key: str, model: type[SectionT]) -> SectionT:
        """A feature's own section as its model; KeyError when no feature declares it."""
        found = self.features[key]
        if not isinstance(found, model):
            raise TypeError(f"section {key!r} is declared as {type(found).__name__}, not {model.__name__}")
        return found


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One version of the settings. `md5` is that of the unsubstituted text; `revision` counts applies, from 1."""

    revision: int
    md5: str
    loaded_at: datetime
    source: str
    settings: Settings = field(repr=False)


@dataclass(frozen=True, slots=True)
class LiveState:
    """The snapshot and the resources' values that belong to it: swapped by one assignment."""

    snapshot: Snapshot
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)


class _Current:
    """Where the process's current state stands. One runtime a process; tests may open one after another."""

    __slots__ = ("state",)

    def __init__(self) -> None:
        self.state: LiveState | None = None


current = _Current()
_get_pinned = pinned_snapshot_var.get


def snapshot() -> Snapshot:
    """The pinned snapshot inside a request or run, else the current one. Raises Unavailable without a runtime."""
    pinned: Snapshot | None = pinned_snapshot_var.get()
    if pinned is not None:
        return pinned
    state = current.state
    if state is None:
        raise Unavailable("no runtime is open: use `async with open_runtime(...)`")
    return state.snapshot


def settings() -> Settings:
    """The settings of `snapshot()`; spelled out, for it is read many times a request."""
    pinned: Snapshot | None = _get_pinned()
    if pinned is not None:
        return pinned.settings
    state = current.state
    return snapshot().settings if state is None else state.snapshot.settings


def section(key: str, model: type[SectionT]) -> SectionT:
    """A feature's own section from `settings()`."""
    return settings().section(key, model)
