"""Live settings: texts that come at once, late, again, or not at all."""

import asyncio

import pytest

from app.common.context import bound
from app.common.errors import SourceUnavailable
from app.config.history import Outcome
from app.config.live import Refused, section
from app.config.sources.base import Documents, Trigger
from support.settings import Desk, OrdersSettings, build_desk, build_schema, documents, settled

ONE = "database: {name: one}\norders: {limit: 1}\n"
TWO = "database: {name: two}\norders: {limit: 2}\n"


@pytest.fixture
async def desk() -> Desk:
    desk = build_desk(ONE)
    await desk.live.start()
    await settled(desk)
    desk.resource.calls.clear()
    yield desk
    await desk.live.close()


async def test_applies_wait_for_one_another(desk: Desk) -> None:
    desk.resource.hold = asyncio.Event()
    first = asyncio.create_task(desk.apply(TWO))
    await asyncio.sleep(0)
    second = asyncio.create_task(desk.apply("database: {name: three}\n"))
    desk.resource.hold.set()
    assert [(await first).revision, (await second).revision] == [2, 3]
    assert desk.live.value("database") == "pool of three"


async def test_a_cancelled_apply_leaves_nothing_behind(desk: Desk) -> None:
    before = desk.live.state
    desk.resource.hold = asyncio.Event()
    task = asyncio.create_task(desk.apply(TWO))
    while not desk.resource.calls:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert desk.live.state is before
    desk.resource.hold = None
    assert (await desk.apply(TWO)).outcome is Outcome.APPLIED


async def test_refresh_pulls_the_source_and_announces_it(desk: Desk) -> None:
    announced = []
    desk.live._announce = lambda: announced.append(True)
    desk.source.publish(TWO)
    result = await desk.live.refresh()
    assert result.outcome is Outcome.APPLIED
    assert announced == [True]


async def test_an_unreachable_source_is_told(desk: Desk) -> None:
    desk.source.available = False
    with pytest.raises(SourceUnavailable):
        await desk.live.refresh()


async def test_only_applied_texts_are_remembered(desk: Desk) -> None:
    await desk.apply("server: [\n")
    await desk.apply(TWO)
    assert [item.md5 for item in desk.source.remembered] == [documents(ONE).md5, documents(TWO).md5]


async def test_a_text_read_before_a_newer_one_came_is_read_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    fetches = []

    async def fetch() -> Documents:
        fetches.append(True)
        if len(fetches) == 1:
            await desk.apply(TWO)
            return documents(ONE)
        return documents(TWO)

    monkeypatch.setattr(desk.source, "fetch", fetch)
    result = await desk.live.pull(Trigger.REFRESH)
    assert result.outcome is Outcome.UNCHANGED
    assert desk.live.value("database") == "pool of two"


async def test_a_retry_does_not_bring_a_pending_text_back_over_a_newer_one(desk: Desk) -> None:
    desk.resource.refuse = Refused("down", transient=True)
    await desk.apply(TWO)
    desk.resource.refuse, desk.resource.hold = None, asyncio.Event()
    newer = asyncio.create_task(desk.apply("database: {name: three}\n"))
    while desk.resource.calls[-1] != ("prepare", "three"):
        await asyncio.sleep(0)
    retry = asyncio.create_task(desk.live.retry_pending())
    await asyncio.sleep(0)
    desk.resource.hold.set()
    await asyncio.gather(newer, retry)
    assert desk.live.value("database") == "pool of three"


async def test_a_listener_of_a_change_made_inside_a_request_reads_the_new_settings(desk: Desk) -> None:
    read = []
    desk.listeners.on_change("orders.limit")(lambda new, old: read.append(section("orders", OrdersSettings).limit))
    with bound("trace", snapshot=desk.live.state.snapshot):
        await desk.apply(TWO)
        await settled(desk)
    assert read == [2]


async def test_the_text_that_is_remembered_holds_no_substituted_value() -> None:
    text = "database: {password: '${PW}'}\n"
    desk = build_desk(text, schema=build_schema({"PW": "very-secret"}))
    await desk.live.start()
    await desk.live.close()
    assert [item.text for each in desk.source.remembered for item in each.items] == [text]
