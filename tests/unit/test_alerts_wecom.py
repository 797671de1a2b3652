import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from loguru import logger

from app.alerts.base import AlertEvent
from app.alerts.budget import Pace
from app.alerts.wecom import AlertStats, WecomAlertSender
from app.common.const import AlarmLevel
from app.common.context import bound
from app.common.errors import Unavailable
from app.config.settings import WechatSettings
from app.testing.robot_double import RobotDouble

KEY = "robot-key-1"
FAST = Pace(
    window_seconds=0.3, fold_seconds=0.3, backoff_seconds=0.02, attempts=3, timeout_seconds=0.3, close_seconds=2
)


@pytest.fixture
def robot() -> Iterator[RobotDouble]:
    with RobotDouble(keys={KEY, "robot-key-2"}, window_seconds=0.15) as double:
        yield double


@pytest.fixture
def lines() -> Iterator[list[str]]:
    written: list[str] = []
    handle = logger.add(lambda line: written.append(str(line)), level="TRACE", format="{message} {extra} {exception}")
    yield written
    logger.remove(handle)


def wechat(robot: RobotDouble, **keys: str) -> WechatSettings:
    templates = {name: {"key": key} for name, key in (keys or {"default": KEY}).items()}
    return WechatSettings.model_validate({"base_url": robot.url, "robot_templates": templates})


@asynccontextmanager
async def opened(provider: Callable[[], WechatSettings], pace: Pace = FAST) -> AsyncIterator[WecomAlertSender]:
    sender = WecomAlertSender(provider, "test", "host-1", pace=pace)
    yield sender
    await sender.close()


def event(name: str, level: AlarmLevel = AlarmLevel.NORMAL, key: str | None = None) -> AlertEvent:
    return AlertEvent(name, level, f"{name} happened", dedup_key=key or name)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline, "it did not happen within 5 s"
        time.sleep(0.002)


def total(stats: AlertStats) -> int:
    return stats.sent + stats.folded + stats.dropped + stats.failed + stats.unrouted + stats.waiting


def titles(robot: RobotDouble, key: str = KEY) -> list[str]:
    return [content.split("\n")[0] for content in robot.contents(key)]


async def test_an_alert_reaches_the_robot_with_the_callers_trace_id(robot: RobotDouble) -> None:
    async with opened(lambda: wechat(robot)) as sender:
        with bound("trace-7"):
            sender.raise_alert(event("disk full"))
    assert titles(robot) == ["[NORMAL] disk full"]
    assert "> trace_id: trace-7\n> environment: test\n> host: host-1" in robot.contents(KEY)[0]
    assert sender.stats() == AlertStats(1, sent=1, folded=0, dropped=0, failed=0, unrouted=0, waiting=0)


@pytest.mark.parametrize(
    ("keys", "taker"),
    [
        ({"default": KEY, "a": "robot-key-2"}, KEY),
        ({"ops": "robot-key-2"}, "robot-key-2"),
        ({"b": KEY, "a": "robot-key-2"}, "robot-key-2"),
        ({"default": "<your key>", "b": "robot-key-2"}, "robot-key-2"),
    ],
)
async def test_the_default_robot_takes_it_else_the_only_one_else_the_first_by_name(
    robot: RobotDouble, keys: dict[str, str], taker: str
) -> None:
    async with opened(lambda: wechat(robot, **keys)) as sender:
        sender.raise_alert(event("x"))
    assert [message.key for message in robot.accepted] == [taker]


async def test_several_robots_without_a_default_are_warned_about_once(robot: RobotDouble, lines: list[str]) -> None:
    async with opened(lambda: wechat(robot, b=KEY, a="robot-key-2")) as sender:
        sender.raise_alert(event("x"))
        sender.raise_alert(event("y"))
    assert sum("no alert robot is named default" in line for line in lines) == 1


async def test_without_a_robot_alerts_are_logged_and_counted(robot: RobotDouble, lines: list[str]) -> None:
    async with opened(WechatSettings) as sender:
        sender.raise_alert(event("x"))
        sender.raise_alert(event("y"))
    assert sender.stats() == AlertStats(2, sent=0, folded=0, dropped=0, failed=0, unrouted=2, waiting=0)
    assert sum("no alert robot is usable" in line for line in lines) == 1
    assert sum("x happened" in line for line in lines) == 1


async def test_settings_are_read_for_every_message(robot: RobotDouble) -> None:
    current = [wechat(robot)]
    async with opened(lambda: current[0]) as sender:
        sender.raise_alert(event("one"))
        until(lambda: len(robot.accepted) == 1)
        current[0] = wechat(robot, default="robot-key-2")
        sender.raise_alert(event("two"))
    assert [message.key for message in robot.accepted] == [KEY, "robot-key-2"]


async def test_alerts_raised_before_the_settings_are_loaded_wait_for_them(robot: RobotDouble) -> None:
    loaded = threading.Event()

    def provider() -> WechatSettings:
        if not loaded.is_set():
            raise Unavailable("not yet")
        return wechat(robot)

    async with opened(provider) as sender:
        sender.raise_alert(event("early"))
        assert sender.stats().waiting == 1
        loaded.set()
        until(lambda: len(robot.accepted) == 1)


async def test_raising_returns_at_once_while_the_robot_hangs(robot: RobotDouble) -> None:
    robot.hang()
    async with opened(lambda: wechat(robot)) as sender:
        sender.raise_alert(event("first"))
        until(lambda: robot.requests == 1)
        times = []
        for number in range(500):
            started = time.perf_counter()
            sender.raise_alert(event(f"e{number % 15}"))
            times.append(time.perf_counter() - started)
        robot.release()
        assert sorted(times)[250] < 0.000_2
    assert total(sender.stats()) == 501


async def test_the_limit_is_never_exceeded_and_everything_arrives(robot: RobotDouble) -> None:
    robot.limit = 5
    async with opened(lambda: wechat(robot), Pace(limit=5, window_seconds=0.15, fold_seconds=9)) as sender:
        for number in range(17):
            sender.raise_alert(event(f"e{number}"))
        until(lambda: len(robot.accepted) == 17)
    assert robot.refused == []
    assert robot.most_in_a_window() <= 5


@pytest.mark.parametrize("code", [45009, 130101])
async def test_a_robot_that_is_told_too_much_by_others_gets_its_message_later(robot: RobotDouble, code: int) -> None:
    robot.answers.append(b'{"errcode": %d, "errmsg": "too fast"}' % code)
    async with opened(lambda: wechat(robot)) as sender:
        started = time.monotonic()
        sender.raise_alert(event("x"))
        until(lambda: len(robot.accepted) == 1)
        assert time.monotonic() - started >= 0.15
    assert sender.stats().sent == 1


async def test_disaster_goes_before_all_that_waits(robot: RobotDouble) -> None:
    robot.hang()
    async with opened(lambda: wechat(robot)) as sender:
        sender.raise_alert(event("first"))
        until(lambda: robot.requests == 1)
        for name, level in (("n", AlarmLevel.NORMAL), ("u", AlarmLevel.URGENT), ("d", AlarmLevel.DISASTER)):
            sender.raise_alert(event(name, level))
        robot.release()
    assert [title.split("] ")[1].removesuffix("</font>**").removesuffix("</font>") for title in titles(robot)] == [
        "first", "d", "d", "u", "n",
    ]  # fmt: skip
    assert robot.accepted[2].payload["text"]["mentioned_list"] == ["@all"]


async def test_a_storm_of_one_matter_is_two_messages_and_a_count(robot: RobotDouble) -> None:
    async with opened(lambda: wechat(robot)) as sender:
        sender.raise_alert(event("storm"))
        until(lambda: len(robot.accepted) == 1)
        for _ in range(999):
            sender.raise_alert(event("storm"))
        until(lambda: len(robot.accepted) == 2)
    assert titles(robot) == ["[NORMAL] storm", "[NORMAL] storm ×999"]
    assert sender.stats() == AlertStats(1000, sent=2, folded=998, dropped=0, failed=0, unrouted=0, waiting=0)


async def test_alerts_without_a_key_are_one_matter_if_they_say_the_same(robot: RobotDouble) -> None:
    robot.hang()
    async with opened(lambda: wechat(robot)) as sender:
        sender.raise_alert(event("first"))
        until(lambda: robot.requests == 1)
        for _ in range(10):
            sender.raise_alert(AlertEvent("same", AlarmLevel.NORMAL, "summary"))
        robot.release()
    assert titles(robot) == ["[NORMAL] first", "[NORMAL] same ×10"]


async def test_a_recovery_is_not_folded_into_its_failure(robot: RobotDouble) -> None:
    async with opened(lambda: wechat(robot)) as sender:
        sender.raise_alert(event("db", AlarmLevel.NORMAL, key="db"))
        sender.raise_alert(AlertEvent("db", AlarmLevel.NORMAL, "back", dedup_key="db", resolves=True))
    assert titles(robot) == ["[NORMAL] db", '<font color="info">[RESOLVED] db</font>']


async def test_content_that_the_robot_finds_too_long_is_split_further(robot: RobotDouble) -> None:
    robot.content_limits["markdown"] = 1000
    async with opened(lambda: wechat(robot)) as sender:
        sender.raise_alert(AlertEvent("long", AlarmLevel.NORMAL, "x" * 1900))
    assert len(robot.accepted) >= 2
    assert sum(content.count("x") for content in robot.contents()) == 1900
    assert sender.stats().sent == 1


async def test_a_robot_with_a_bad_key_is_disabled_until_its_key_changes(robot: RobotDouble, lines: list[str]) -> None:
    current = [wechat(robot, default="revoked-key-9")]
    async with opened(lambda: current[0]) as sender:
        sender.raise_alert(event("one"))
        sender.raise_alert(event("two"))
        until(lambda: sender.stats().unrouted == 2)
        assert robot.refused == [93000]
        current[0] = wechat(robot)
        sender.raise_alert(event("three"))
        until(lambda: len(robot.accepted) == 1)
    assert sum("alert robot disabled" in line for line in lines) == 1
    assert not any("revoked-key-9" in line for line in lines)


async def test_a_failing_robot_is_tried_again(robot: RobotDouble) -> None:
    robot.http_status = 500
    async with opened(lambda: wechat(robot)) as sender:
        sender.raise_alert(event("x"))
        until(lambda: robot.requests >= 2)
        robot.http_status = 200
        until(lambda: len(robot.accepted) == 1)
    assert sender.stats().sent == 1


async def test_an_alert_is_given_up_after_its_attempts_and_the_next_one_still_goes(
    robot: RobotDouble, lines: list[str]
) -> None:
    robot.http_status = 500
    async with opened(lambda: wechat(robot)) as sender:
        sender.raise_alert(event("x"))
        until(lambda: sender.stats().failed == 1)
        assert robot.requests == 3
        robot.http_status = 200
        sender.raise_alert(event("x"))
        until(lambda: len(robot.accepted) == 1)
    assert any("alert failed" in line and "HTTP 500" in line for line in lines)
    assert not any(KEY in line for line in lines)


async def test_an_answer_that_is_not_understood_fails_the_alert_at_once(robot: RobotDouble) -> None:
    robot.answers.append(b"<html>")
    async with opened(lambda: wechat(robot)) as sender:
        sender.raise_alert(event("x"))
    assert (robot.requests, sender.stats().failed) == (1, 1)


async def test_a_full_queue_drops_and_counts(robot: RobotDouble, lines: list[str]) -> None:
    robot.hang()
    async with opened(lambda: wechat(robot), Pace(queue_size=3, timeout_seconds=5)) as sender:
        sender.raise_alert(event("first"))
        until(lambda: robot.requests == 1)
        for number in range(10):
            sender.raise_alert(event(f"e{number}"))
        assert (sender.stats().dropped, sender.stats().waiting) == (7, 4)
        robot.release()
    assert titles(robot) == ["[NORMAL] first", "[NORMAL] e7", "[NORMAL] e8", "[NORMAL] e9"]
    assert any("alerts dropped" in line for line in lines)


async def test_counts_add_up_whatever_thread_raises(robot: RobotDouble) -> None:
    async with opened(lambda: wechat(robot), Pace(window_seconds=0.05, fold_seconds=0.01, queue_size=5)) as sender:

        def storm(name: str) -> None:
            for number in range(300):
                sender.raise_alert(event(f"{name}{number % 7}", AlarmLevel(number % 3 + 1)))

        threads = [threading.Thread(target=storm, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            stats = sender.stats()
            assert stats.raised == total(stats)
    stats = sender.stats()
    assert (stats.raised, total(stats), stats.waiting) == (1200, 1200, 0)
    assert stats.sent + stats.folded > 0


async def test_closing_delivers_what_waits_for_its_minute_to_be_over(robot: RobotDouble) -> None:
    async with opened(lambda: wechat(robot), Pace(fold_seconds=60)) as sender:
        sender.raise_alert(event("x"))
        until(lambda: len(robot.accepted) == 1)
        sender.raise_alert(event("x"))
        sender.raise_alert(event("x"))
    assert titles(robot) == ["[NORMAL] x", "[NORMAL] x ×2"]


async def test_closing_does_not_wait_for_a_robot_that_can_not_take_more(robot: RobotDouble) -> None:
    started = time.monotonic()
    async with opened(lambda: wechat(robot), Pace(limit=1, close_seconds=0.2)) as sender:
        sender.raise_alert(event("x"))
        until(lambda: len(robot.accepted) == 1)
        sender.raise_alert(event("y"))
    assert time.monotonic() - started < 2
    assert (sender.stats().dropped, sender.stats().waiting) == (1, 0)


async def test_closing_does_not_wait_for_a_robot_that_hangs(robot: RobotDouble) -> None:
    robot.hang()
    sender = WecomAlertSender(lambda: wechat(robot), "test", "h", pace=Pace(close_seconds=0.1, timeout_seconds=0.5))
    sender.raise_alert(event("x"))
    until(lambda: robot.requests == 1)
    started = time.monotonic()
    await sender.close()
    assert time.monotonic() - started < 1


async def test_after_closing_alerts_are_counted_as_dropped(robot: RobotDouble) -> None:
    async with opened(lambda: wechat(robot)) as sender:
        pass
    sender.raise_alert(event("late"))
    assert (sender.stats().dropped, robot.requests) == (1, 0)


async def test_nothing_that_is_raised_can_raise(robot: RobotDouble, lines: list[str]) -> None:
    class Hostile(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    async with opened(lambda: wechat(robot)) as sender:
        sender.raise_alert(AlertEvent("hostile", AlarmLevel.NORMAL, "s", details={"d": Hostile()}, exception=Hostile()))
        sender.raise_alert("not an event")  # type: ignore[arg-type]
    assert titles(robot) == ["[NORMAL] hostile"]
    assert any("alert not taken" in line for line in lines)


async def test_a_blocked_event_loop_can_not_silence_an_alert(robot: RobotDouble) -> None:
    async with opened(lambda: wechat(robot)) as sender:
        sender.raise_alert(event("loop blocked"))
        blocked_until = time.monotonic() + 5
        while not robot.accepted and time.monotonic() < blocked_until:
            time.sleep(0.005)  # nothing is awaited: the loop stands still
        assert titles(robot) == ["[NORMAL] loop blocked"]
