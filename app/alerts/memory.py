"""The alert port's memory twin: keeps what was raised, in order."""

from dataclasses import replace

from app.alerts.base import AlertEvent
from app.common.context import get_trace_id


class MemoryAlertSender:
    """Keeps events in `raised`, for tests and for runtimes without a robot."""

    def __init__(self) -> None:
        self.raised: list[AlertEvent] = []

    def raise_alert(self, event: AlertEvent) -> None:
        self.raised.append(replace(event, trace_id=event.trace_id or get_trace_id()))

    async def close(self) -> None:
        return None
