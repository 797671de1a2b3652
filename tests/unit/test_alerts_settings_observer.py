"""One alert a matter, one recovery."""

from app.alerts.memory import MemoryAlertSender
from app.alerts.settings_observer import SettingsAlerts
from app.config.live import LiveSettings, Refused
from app.config.sources.base import Trigger
from support.settings import build_desk, build_schema, documents

GOOD, BAD, WORSE = "orders: {limit: 1}\n", "server: [\n", "server: {port: x}\n"


def build() -> tuple[LiveSettings, MemoryAlertSender, object]:
    desk, alerts = build_desk(GOOD), MemoryAlertSender()
    live = LiveSettings(desk.source, build_schema(), (desk.resource,), SettingsAlerts(alerts), listeners=desk.listeners)
    return live, alerts, desk


def told(alerts: MemoryAlertSender) -> list[tuple[str, bool]]:
    return [(event.name, event.resolves) for event in alerts.raised]


async def test_a_refused_text_is_told_once_and_its_end_once() -> None:
    live, alerts, _ = build()
    await live.start()
    for text in (BAD, BAD, BAD, GOOD, GOOD):
        await live.apply(documents(text), Trigger.PUSH)
    await live.close()
    assert told(alerts) == [("settings.refused", False), ("settings.refused", True)]


async def test_another_refused_text_is_another_alert() -> None:
    live, alerts, _ = build()
    await live.start()
    for text in (BAD, WORSE, GOOD):
        await live.apply(documents(text), Trigger.PUSH)
    await live.close()
    assert told(alerts) == [("settings.refused", False), ("settings.refused", False), ("settings.refused", True)]


async def test_a_missing_resource_is_told_once_and_its_return_once() -> None:
    live, alerts, desk = build()
    desk.resource.refuse = Refused("connection refused", transient=True)
    await live.start()
    await live.prepare_missing()
    desk.resource.refuse = None
    await live.prepare_missing()
    await live.close()
    assert told(alerts) == [("resource.database", False), ("resource.database", True)]
    assert alerts.raised[0].details == {"reason": "connection refused"}


async def test_a_start_on_the_last_good_text_is_told_and_the_catching_up_too() -> None:
    live, alerts, desk = build()
    desk.source.start_from_last_good(GOOD)
    await live.start()
    await live.apply(documents(GOOD), Trigger.POLL)
    await live.close()
    assert told(alerts) == [("settings.last_good", False), ("settings.last_good", True)]


async def test_a_first_text_that_is_refused_is_told_once_with_its_reasons_and_ends_with_a_good_one() -> None:
    live, alerts, desk = build()
    desk.source.publish(WORSE)
    desk.source.remembered.append(documents(GOOD))
    await live.start()
    await live.apply(documents(WORSE), Trigger.POLL)
    await live.apply(documents(GOOD), Trigger.PUSH)
    await live.close()
    assert told(alerts) == [("settings.refused", False), ("settings.refused", True)]
    assert "server.port" in alerts.raised[0].details["reasons"][0]


async def test_a_failure_after_the_commit_is_told_with_its_exception() -> None:
    alerts = MemoryAlertSender()
    error = OSError("busy")
    SettingsAlerts(alerts).failed("settle database", error)
    assert alerts.raised[0].exception is error
    assert alerts.raised[0].dedup_key == "settings.after_commit:settle database"
