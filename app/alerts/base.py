"""The alert port: what an alert is, and who takes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from app.common.const import AlarmLevel


@dataclass(frozen=True)
class AlertEvent:
    """One thing that somebody should know.

    `labels` say what it is about (routing, grouping), `details` what a reader needs. Events with the same `dedup_key`
    are one matter; `resolves` says that the matter is over.
    """

    name: str
    level: AlarmLevel
    summary: str
    labels: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    exception: BaseException | None = None
    dedup_key: str | None = None
    resolves: bool = False
    trace_id: str | None = None


class AlertSender(Protocol):
    """Takes alerts from any thread."""

    def raise_alert(self, event: AlertEvent) -> None:
        """Takes the event and returns at once; never raises. The trace id is taken from the caller's context."""
        ...

    async def close(self) -> None:
        """Delivers what is waiting, within a few seconds, and stops."""
        ...
