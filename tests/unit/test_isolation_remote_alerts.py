from typing import Any

from app.alerts.base import AlertEvent
from app.common.const import AlarmLevel
from app.common.context import bound
from app.xxl_job.executor.isolation.remote_alerts import RemoteAlertSender


async def test_an_alert_is_handed_over_with_the_trace_of_who_raised_it() -> None:
    sent: list[Any] = []
    sender = RemoteAlertSender(sent.append)
    with bound("xxl-app-1"):
        sender.raise_alert(AlertEvent("low", AlarmLevel.URGENT, "few"))
    await sender.close()
    assert [(frame["name"], frame["trace_id"]) for frame in sent] == [("low", "xxl-app-1")]


def test_a_parent_that_is_gone_is_no_failure() -> None:
    calls: list[object] = []

    def gone(frame: object) -> None:
        calls.append(frame)
        raise BrokenPipeError

    RemoteAlertSender(gone).raise_alert(AlertEvent("low", AlarmLevel.URGENT, "few"))
    assert len(calls) == 1
