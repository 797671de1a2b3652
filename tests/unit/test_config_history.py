"""The last applies."""

from app.config.compose import compose
from app.config.history import HISTORY_LENGTH, MOST_CHANGES, Outcome, diff
from app.config.resource import Refused
from app.config.sources.base import Trigger
from support.settings import build_desk, build_schema, documents


async def test_the_newest_apply_comes_first_and_says_what_changed() -> None:
    desk = build_desk()
    await desk.live.start()
    await desk.apply("orders: {limit: 3}\ndatabase: {name: x}\n")
    newest = next(iter(desk.live.reports.history)).as_view()
    await desk.live.close()
    assert newest["outcome"] == "applied"
    assert newest["trigger"] == "push"
    assert newest["resources"] == ("database",)
    assert newest["changes"] == ["database.name:  → x", "orders.limit: 10 → 3"]
    assert newest["duration_seconds"] >= 0


async def test_fifty_applies_are_kept_and_unchanged_ones_leave_no_entry() -> None:
    desk = build_desk()
    await desk.live.start()
    for limit in range(1, HISTORY_LENGTH + 9):
        await desk.apply(f"orders: {{limit: {limit + 100}}}\n")
        await desk.apply(f"orders: {{limit: {limit + 100}}}\n")
    entries = list(desk.live.reports.history)
    await desk.live.close()
    assert len(entries) == HISTORY_LENGTH
    assert {entry.outcome for entry in entries} == {Outcome.APPLIED}


async def test_of_the_retries_of_one_text_only_the_last_is_kept() -> None:
    desk = build_desk()
    await desk.live.start()
    desk.resource.refuse = Refused("down", transient=True)
    await desk.apply("database: {name: x}\n")
    for _ in range(5):
        await desk.live.retry_pending()
    triggers = [entry.trigger for entry in desk.live.reports.history]
    await desk.live.close()
    assert triggers == [Trigger.RETRY, Trigger.PUSH, Trigger.START]


def test_secrets_inside_a_list_are_masked_in_the_changes() -> None:
    old, new = (compose(documents(f"servers: [{{password: {value}}}]\n"), build_schema()) for value in ("one", "two"))
    (change,) = diff(old, new)
    assert str(change) == "servers: [{'password': '******'}] → [{'password': '******'}]"


def test_a_value_that_becomes_a_secret_is_not_shown_on_its_way_out() -> None:
    old = compose(documents("mail: plain-until-now\n"), build_schema())
    new = compose(documents("mail: ${MAIL}\n"), build_schema({"MAIL": "x-y-z"}))
    assert [str(change) for change in diff(old, new)] == ["mail: ****** → ******"]


def test_of_very_many_changes_the_first_are_told() -> None:
    old, new = (
        compose(documents("bulk:\n" + "".join(f"  k{number}: {value}\n" for number in range(MOST_CHANGES + 3))), schema)
        for value, schema in ((1, build_schema()), (2, build_schema()))
    )
    changes = diff(old, new)
    assert len(changes) == MOST_CHANGES + 1
    assert str(changes[-1]) == "… 3 more"
