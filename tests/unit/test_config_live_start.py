"""Live settings: how they start, and how they end."""

import pytest

from app.common.errors import StartupError, Unavailable
from app.config.live import Refused, settings, snapshot
from app.config.snapshot import current
from app.config.sources.base import Documents, Trigger
from support.settings import Desk, build_desk, build_schema, documents, settled

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


async def test_a_missing_resource_does_not_stop_the_start() -> None:
    desk = build_desk(ONE)
    desk.resource.refuse = Refused("connection refused", transient=True)
    await desk.live.start()
    assert snapshot().revision == 1
    with pytest.raises(Unavailable, match="database is not available"):
        desk.live.value("database")
    assert (await desk.live.check_all())["database"].reason == "connection refused"
    await desk.live.close()


async def test_a_missing_resource_joins_when_it_connects() -> None:
    desk = build_desk(ONE)
    desk.resource.refuse = Refused("connection refused", transient=True)
    await desk.live.start()
    await desk.live.prepare_missing()
    desk.resource.refuse = None
    await desk.live.prepare_missing()
    assert desk.live.value("database") == "pool of one"
    assert desk.observer.resources == [("database", "connection refused"), ("database", None)]
    assert snapshot().revision == 1
    await desk.live.close()


async def test_an_invalid_first_text_falls_back_to_the_last_good_one() -> None:
    desk = build_desk("server: [\n")
    desk.source.remembered.append(documents(ONE))
    await desk.live.start()
    assert desk.live.from_last_good
    assert snapshot().source == "memory (last good)"
    assert desk.live.refusal is not None
    await desk.live.close()


async def test_an_invalid_first_text_without_a_last_good_one_ends_the_start() -> None:
    desk = build_desk("server: {port: no}\n")
    with pytest.raises(StartupError, match=r"memory\.yaml:1:10: server\.port"):
        await desk.live.start()


async def test_catching_up_with_the_same_text_ends_the_last_good_state() -> None:
    desk = build_desk("server: [\n")
    desk.source.remembered.append(documents(ONE))
    await desk.live.start()
    await desk.live.apply(Documents("memory", documents(ONE).items), Trigger.PUSH)
    assert not desk.live.from_last_good
    await desk.live.close()


async def test_closing_closes_the_resources_and_takes_the_settings_away() -> None:
    desk = build_desk(ONE)
    await desk.live.start()
    await desk.live.close()
    assert desk.resource.calls[-1] == ("discard", "pool of one")
    assert current.state is None
    with pytest.raises(Unavailable, match="no runtime is open"):
        settings()


async def test_what_just_began_to_settle_is_let_begin_before_the_end(desk: Desk) -> None:
    await desk.apply(TWO)
    await desk.live.close()
    assert ("settle", "pool of one") in desk.resource.calls


async def test_secrets_are_handed_on_before_anything_is_logged() -> None:
    seen: list[frozenset[str]] = []
    desk = build_desk("database: {password: '${PW}'}\n", schema=build_schema({"PW": "very-secret"}))
    desk.live._on_secrets = seen.append
    await desk.live.start()
    await desk.live.close()
    assert "very-secret" in seen[0]
