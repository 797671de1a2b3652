"""LiveSettings: whole or not at all."""

import asyncio

import pytest
from pydantic import ValidationError

from app.common.context import bound
from app.common.errors import SourceUnavailable, StartupError, Unavailable
from app.config.history import Outcome
from app.config.live import Refused, section, settings, snapshot
from app.config.snapshot import current
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


async def test_fields_read_at_start_are_reported_as_needing_a_restart(desk: Desk) -> None:
    result = await desk.apply(ONE + "server: {port: 8123}\n")
    assert result.outcome is Outcome.APPLIED
    assert result.needs_restart == ("server.port",)


async def test_a_long_document_is_applied_too(desk: Desk) -> None:
    result = await desk.apply(ONE + "bulk:\n" + "".join(f"  k{n}: value number {n}\n" for n in range(5000)))
    assert result.outcome is Outcome.APPLIED
    assert settings().get("bulk.k4999") == "value number 4999"


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


async def test_secrets_are_handed_on_before_anything_is_logged() -> None:
    seen: list[frozenset[str]] = []
    desk = build_desk("database: {password: '${PW}'}\n", schema=build_schema({"PW": "very-secret"}))
    desk.live._on_secrets = seen.append
    await desk.live.start()
    await desk.live.close()
    assert "very-secret" in seen[0]


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


async def test_what_just_began_to_settle_is_let_begin_before_the_end(desk: Desk) -> None:
    await desk.apply(TWO)
    await desk.live.close()
    assert ("settle", "pool of one") in desk.resource.calls


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


async def test_the_text_that_is_remembered_holds_no_substituted_value() -> None:
    text = "database: {password: '${PW}'}\n"
    desk = build_desk(text, schema=build_schema({"PW": "very-secret"}))
    await desk.live.start()
    await desk.live.close()
    assert [item.text for each in desk.source.remembered for item in each.items] == [text]
