"""The one snapshot, and how code reads it."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from app.common.context import bound
from app.common.errors import Unavailable
from app.config.settings import Section
from app.config.snapshot import section, settings, snapshot
from support.settings import Desk, OrdersSettings, build_desk


class OtherSettings(Section):
    limit: int = 10


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = build_desk("orders: {limit: 1}\n")
    await desk.live.start()
    yield desk
    await desk.live.close()


async def test_a_pinned_snapshot_stays_through_a_change(desk: Desk) -> None:
    with bound("trace", snapshot=desk.live.state.snapshot):
        await desk.apply("orders: {limit: 2}\n")
        assert section("orders", OrdersSettings).limit == 1
        assert snapshot().revision == 1
    assert section("orders", OrdersSettings).limit == 2


async def test_another_task_and_another_thread_see_the_current_one_unless_they_inherit_the_pin(desk: Desk) -> None:
    seen: list[int] = []
    with bound("trace", snapshot=desk.live.state.snapshot):
        await desk.apply("orders: {limit: 2}\n")
        thread = threading.Thread(target=lambda: seen.append(settings().get("orders.limit")))
        thread.start()
        await asyncio.to_thread(thread.join)
        seen.append(await asyncio.to_thread(lambda: settings().get("orders.limit")))
    assert seen == [2, 1]


async def test_a_section_is_asked_for_by_its_own_model(desk: Desk) -> None:
    with pytest.raises(TypeError, match="'orders' is declared as OrdersSettings, not OtherSettings"):
        section("orders", OtherSettings)
    with pytest.raises(KeyError):
        section("unknown", OrdersSettings)


async def test_a_path_that_ends_at_a_value_or_nowhere_gives_the_default(desk: Desk) -> None:
    assert settings().get("orders.limit.deeper", "none") == "none"
    assert settings().get("nowhere.at.all") is None


def test_without_a_runtime_the_fix_is_named() -> None:
    with pytest.raises(Unavailable, match=r"no runtime is open: use `async with open_runtime"):
        snapshot()
