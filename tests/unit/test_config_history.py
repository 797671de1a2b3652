"""The last applies."""

from app.config.history import HISTORY_LENGTH, Outcome
from support.settings import build_desk


async def test_the_newest_apply_comes_first_and_says_what_changed() -> None:
    desk = build_desk()
    await desk.live.start()
    await desk.apply("orders: {limit: 3}\ndatabase: {name: x}\n")
    newest = next(iter(desk.live.history)).as_view()
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
    entries = list(desk.live.history)
    await desk.live.close()
    assert len(entries) == HISTORY_LENGTH
    assert {entry.outcome for entry in entries} == {Outcome.APPLIED}
