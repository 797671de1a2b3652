"""What every alert sender promises: the memory twin and the WeCom sender run the same tests."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from app.alerts.base import AlertEvent, AlertSender
from app.alerts.memory import MemoryAlertSender
from app.alerts.wecom import WecomAlertSender
from app.common.const import AlarmLevel
from app.common.context import bound
from app.config.settings import WechatSettings
from app.testing.robot_double import RobotDouble


@dataclass(frozen=True)
class Subject:
    sender: AlertSender
    told: Callable[[], list[str]]
    """What was told, each with name, summary and trace id somewhere in it; read after closing."""


@pytest.fixture(params=["memory", "wecom"])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    if request.param == "memory":
        memory = MemoryAlertSender()
        yield Subject(memory, lambda: [f"{kept.name} {kept.summary} {kept.trace_id}" for kept in memory.raised])
        return
    with RobotDouble(keys={"k-12345678"}) as robot:
        settings = WechatSettings.model_validate(
            {"base_url": robot.url, "robot_templates": {"default": {"key": "k-12345678"}}}
        )
        yield Subject(WecomAlertSender(lambda: settings, "test", "host-1"), robot.contents)


def event(name: str, **fields: str) -> AlertEvent:
    return AlertEvent(name, AlarmLevel.URGENT, f"{name} happened", **fields)


async def test_closing_tells_everything_that_was_raised(subject: Subject) -> None:
    for name in ("one", "two", "three"):
        subject.sender.raise_alert(event(name))
    await subject.sender.close()
    assert len(subject.told()) == 3
    assert all(f"{name} happened" in told for name, told in zip(("one", "two", "three"), subject.told(), strict=True))


async def test_the_trace_id_is_the_callers_unless_the_event_brings_one(subject: Subject) -> None:
    with bound("trace-of-caller"):
        subject.sender.raise_alert(event("own"))
        subject.sender.raise_alert(event("brought", trace_id="trace-of-event"))
    await subject.sender.close()
    assert "trace-of-caller" in subject.told()[0]
    assert "trace-of-event" in subject.told()[1]
    assert "trace-of-caller" not in subject.told()[1]


async def test_it_takes_alerts_from_any_thread(subject: Subject) -> None:
    threads = [threading.Thread(target=subject.sender.raise_alert, args=(event(name),)) for name in "abcde"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    await subject.sender.close()
    assert sorted(told.count("happened") for told in subject.told()) == [1] * 5


async def test_raising_returns_at_once(subject: Subject) -> None:
    subject.sender.raise_alert(event("first"))
    started = time.perf_counter()
    for _ in range(100):
        subject.sender.raise_alert(event("again"))
    assert time.perf_counter() - started < 0.1
    await subject.sender.close()


async def test_closing_twice_and_raising_afterwards_are_harmless(subject: Subject) -> None:
    await subject.sender.close()
    await subject.sender.close()
    subject.sender.raise_alert(event("late"))
    assert len(subject.told()) <= 1
