"""A child's alerts: raised by the executor, which has the one robot and the one budget."""

from contextlib import suppress
from dataclasses import replace

from app.alerts.base import AlertEvent
from app.common.context import get_trace_id
from app.xxl_job.executor.isolation.forwarding import Send
from app.xxl_job.executor.isolation.messages import pack_alert


class RemoteAlertSender:
    """Hands every event over as plain data."""

    def __init__(self, send: Send) -> None:
        self._send = send

    def raise_alert(self, event: AlertEvent) -> None:
        with suppress(OSError):  # the parent is gone
            self._send(pack_alert(replace(event, trace_id=event.trace_id or get_trace_id())))

    async def close(self) -> None:
        return None
