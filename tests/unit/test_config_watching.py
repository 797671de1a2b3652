"""What keeps the settings up to date by itself."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from app.config.live import Refused, snapshot
from app.config.sources.base import Trigger
from app.config.watching import RefreshSignal, SettingsWatch
from support.settings import Desk, build_desk, documents

ONE, TWO = "database: {name: one}\n", "database: {name: two}\n"


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    desk = build_desk(ONE)
    await desk.live.start()
    watch = SettingsWatch(desk.live, RefreshSignal(tmp_path / "refresh"), first_retry_seconds=0.01)
    watch.start()
    yield desk
    await watch.close()
    await desk.live.close()


async def test_a_pushed_text_is_applied(desk: Desk) -> None:
    desk.source.publish(TWO)
    await until(lambda: snapshot().md5 == documents(TWO).md5)
    assert desk.observer.results[-1].trigger is Trigger.PUSH


async def test_a_pending_text_is_tried_again_until_it_commits(desk: Desk) -> None:
    desk.resource.refuse = Refused("down", transient=True)
    desk.source.publish(TWO)
    await until(lambda: len([call for call in desk.resource.calls if call == ("prepare", "two")]) >= 3)
    desk.resource.refuse = None
    await until(lambda: snapshot().md5 == documents(TWO).md5)
    assert desk.live.refusal is None


async def test_a_refused_text_is_not_tried_again(desk: Desk) -> None:
    desk.resource.refuse = Refused("never")
    desk.source.publish(TWO)
    await until(lambda: desk.live.refusal is not None)
    prepared = len(desk.resource.calls)
    await asyncio.sleep(0.1)
    assert len(desk.resource.calls) == prepared


async def test_another_process_s_refresh_reaches_this_one(desk: Desk, tmp_path: Path) -> None:
    desk.source._text = TWO
    await asyncio.to_thread(RefreshSignal(tmp_path / "refresh").send)
    await until(lambda: snapshot().md5 == documents(TWO).md5)
    assert desk.observer.results[-1].trigger is Trigger.REFRESH


async def test_a_broken_watch_starts_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.config.watching.RESTART_SECONDS", 0.01)
    desk = build_desk(ONE)
    await desk.live.start()
    watch = SettingsWatch(desk.live, RefreshSignal(tmp_path / "refresh"))
    watch.start()
    desk.source.available = False
    desk.source.publish(TWO)
    await asyncio.sleep(0.05)
    desk.source.available = True
    desk.source.publish(TWO)
    await until(lambda: snapshot().md5 == documents(TWO).md5)
    await watch.close()
    await desk.live.close()


def test_a_signal_is_received_once_and_never_by_its_sender(tmp_path: Path) -> None:
    sender, receiver = RefreshSignal(tmp_path / "refresh"), RefreshSignal(tmp_path / "refresh")
    sender.send()
    assert [receiver.received(), receiver.received(), sender.received()] == [True, False, False]
