"""LiveSettings: whole or not at all."""

import asyncio

import pytest
from pydantic import ValidationError

from app.config.history import Outcome
from app.config.live import Refused, section, settings, snapshot
from app.config.sources.base import Trigger
from support.settings import Desk, OrdersSettings, build_desk, documents, settled

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


async def test_a_change_is_applied_whole(desk: Desk) -> None:
    result = await desk.apply(TWO)
    assert result.outcome is Outcome.APPLIED
    assert result.revision == 2
    assert result.changed_paths == ("database.name", "orders.limit")
    assert desk.live.value("database") == "pool of two"
    assert section("orders", OrdersSettings).limit == 2
    assert snapshot().md5 == documents(TWO).md5


async def test_the_old_value_settles_after_the_commit(desk: Desk) -> None:
    await desk.apply(TWO)
    await settled(desk)
    assert desk.resource.calls == [("prepare", "two"), ("commit", "pool of two"), ("settle", "pool of one")]


async def test_a_resource_whose_section_is_the_same_is_left_alone(desk: Desk) -> None:
    result = await desk.apply("database: {name: one}\norders: {limit: 9}\n")
    assert result.resources == ()
    assert desk.resource.calls == []


async def test_a_refused_text_leaves_everything_as_it_was(desk: Desk) -> None:
    before = desk.live.state
    result = await desk.apply("database: {name: two}\nserver: {port: no}\n")
    assert result.outcome is Outcome.REFUSED
    assert desk.live.state is before
    assert desk.resource.calls == []


async def test_the_same_refused_text_is_refused_every_time(desk: Desk) -> None:
    outcomes = [(await desk.apply("server: [\n")).outcome for _ in range(3)]
    assert outcomes == [Outcome.REFUSED] * 3


@pytest.mark.parametrize(
    ("refusal", "outcome"),
    [
        (Refused("unknown host", transient=True), Outcome.PENDING),
        (Refused("not a database", transient=False), Outcome.REFUSED),
    ],
)
async def test_a_refusing_resource_vetoes(desk: Desk, refusal: Refused, outcome: Outcome) -> None:
    before = desk.live.state
    desk.resource.refuse = refusal
    result = await desk.apply(TWO)
    assert result.outcome is outcome
    assert result.reasons == (f"database: {refusal.message}",)
    assert desk.live.state is before


async def test_what_others_prepared_is_discarded_when_one_refuses(desk: Desk) -> None:
    other = build_desk().resource
    other.name, other.section = "other", "orders"
    other.prepare = _prepared  # type: ignore[method-assign]
    desk.live._resources = (other, desk.resource)
    desk.resource.refuse = Refused("no")
    await desk.apply(TWO)
    assert ("discard", "other value") in other.calls
    assert not [call for call in other.calls if call[0] == "commit"]


async def _prepared(new: object, old: object) -> str:
    return "other value"


async def test_a_resource_that_takes_too_long_is_pending(desk: Desk) -> None:
    desk.resource.hold = asyncio.Event()
    result = await desk.apply(TWO + "settings: {prepare_timeout_seconds: 0.05}\n")
    assert result.outcome is Outcome.PENDING
    assert result.reasons == ("database: was not ready within 0.05 s",)


async def test_a_resource_that_breaks_refuses_without_its_text(desk: Desk) -> None:
    desk.resource.raises = ValueError("password is hunter2")
    result = await desk.apply(TWO)
    assert result.outcome is Outcome.REFUSED
    assert result.reasons == ("database: failed with ValueError; see the log",)


async def test_a_pending_text_commits_when_the_resource_agrees(desk: Desk) -> None:
    desk.resource.refuse = Refused("down", transient=True)
    await desk.apply(TWO)
    desk.resource.refuse = None
    await desk.live.retry_pending()
    assert desk.live.refusal is None
    assert snapshot().md5 == documents(TWO).md5
    assert desk.observer.results[-1].trigger is Trigger.RETRY


async def test_the_former_text_ends_a_refusal(desk: Desk) -> None:
    await desk.apply("server: [\n")
    result = await desk.apply(ONE)
    assert result.outcome is Outcome.UNCHANGED
    assert desk.live.refusal is None


async def test_a_comment_is_a_new_revision_without_changes(desk: Desk) -> None:
    result = await desk.apply("# said\n" + ONE)
    assert (result.outcome, result.changes, result.revision) == (Outcome.APPLIED, (), 2)


async def test_a_failure_to_settle_undoes_nothing(desk: Desk) -> None:
    desk.resource.settle_raises = OSError("busy")
    await desk.apply(TWO)
    await settled(desk)
    assert desk.live.value("database") == "pool of two"
    assert desk.observer.failures == [("settle database", "OSError")]


async def test_fields_read_at_start_are_reported_as_needing_a_restart(desk: Desk) -> None:
    result = await desk.apply(ONE + "server: {port: 8123}\n")
    assert result.outcome is Outcome.APPLIED
    assert result.needs_restart == ("server.port",)


async def test_a_long_document_is_applied_too(desk: Desk) -> None:
    result = await desk.apply(ONE + "bulk:\n" + "".join(f"  k{n}: value number {n}\n" for n in range(5000)))
    assert result.outcome is Outcome.APPLIED
    assert settings().get("bulk.k4999") == "value number 4999"


async def test_a_commit_that_breaks_its_promise_is_told_and_the_others_commit(desk: Desk) -> None:
    def broken(value: str) -> None:
        raise RuntimeError("broken")

    desk.resource.commit = broken  # type: ignore[method-assign]
    result = await desk.apply(TWO)
    assert result.outcome is Outcome.APPLIED
    assert desk.observer.failures == [("commit database", "RuntimeError")]


async def test_a_field_that_is_as_it_was_at_the_start_waits_for_no_restart(desk: Desk) -> None:
    await desk.apply(ONE + "server: {port: 8123}\n")
    assert desk.live.needs_restart == ("server.port",)
    await desk.apply(ONE)
    assert desk.live.needs_restart == ()


async def test_the_values_in_force_can_not_be_changed_in_place(desk: Desk) -> None:
    with pytest.raises(TypeError):
        desk.live.state.values["database"] = "another"  # type: ignore[index]


async def test_no_value_of_a_snapshot_can_be_changed_in_place(desk: Desk) -> None:
    await desk.apply("log: {levels: {app: DEBUG}}\nwechat: {robot_templates: {ops: {key: k}}}\n")
    now = settings()
    for mapping in (now.log.levels, now.wechat.robot_templates, now.features, now.document, now.document["log"]):
        with pytest.raises(TypeError):
            mapping["new"] = "value"  # type: ignore[index]
    with pytest.raises(ValidationError):
        now.server.port = 1
