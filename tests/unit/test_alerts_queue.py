from datetime import UTC, datetime

from app.alerts.base import AlertEvent
from app.alerts.queue import AlertQueue, Waiting
from app.common.const import AlarmLevel

NORMAL, URGENT, CRITICAL, DISASTER = AlarmLevel
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def matter(name: str, level: AlarmLevel = NORMAL) -> Waiting:
    return Waiting(AlertEvent(name, level, "summary"), "", AT, (name,), level)


def names(queue: AlertQueue, now: float) -> list[str]:
    taken = []
    while (found := queue.take(now)) is not None:
        taken.append(found.event.name)
    return taken


def test_the_worst_level_goes_first_and_within_a_level_the_oldest() -> None:
    queue = AlertQueue(10, 60)
    for name, level in (("a", NORMAL), ("b", URGENT), ("c", DISASTER), ("d", URGENT), ("e", CRITICAL)):
        queue.put(matter(name, level), 0)
    assert names(queue, 0) == ["c", "e", "b", "d", "a"]


def test_repeats_of_what_waits_are_folded_into_its_count() -> None:
    queue = AlertQueue(10, 60)
    assert queue.put(matter("a"), 0).is_news
    assert not queue.put(matter("a"), 1).is_news
    assert (len(queue), queue.events) == (1, 2)
    found = queue.take(1)
    assert found is not None
    assert found.count == 2


def test_a_repeat_of_what_was_just_told_waits_until_its_minute_is_over() -> None:
    queue = AlertQueue(10, 60)
    queue.put(matter("a"), 0)
    assert names(queue, 5) == ["a"]
    queue.put(matter("a"), 10)
    queue.put(matter("a"), 20)
    assert queue.next_due() == 65
    assert names(queue, 64) == []
    found = queue.take(65)
    assert found is not None
    assert found.count == 2


def test_a_worse_repeat_of_what_was_just_told_does_not_wait() -> None:
    queue = AlertQueue(10, 60)
    queue.put(matter("a", NORMAL), 0)
    assert names(queue, 0) == ["a"]
    queue.put(matter("a", NORMAL), 1)
    assert names(queue, 1) == []
    assert queue.put(matter("a", DISASTER), 2).is_news
    found = queue.take(2)
    assert found is not None
    assert (found.level, found.count) == (DISASTER, 2)


def test_after_its_minute_the_same_matter_is_news_again() -> None:
    queue = AlertQueue(10, 60)
    queue.put(matter("a"), 0)
    assert names(queue, 0) == ["a"]
    queue.put(matter("a"), 60)
    assert names(queue, 60) == ["a"]


def test_what_could_not_be_told_is_news_again_at_once() -> None:
    queue = AlertQueue(10, 60)
    queue.put(matter("a"), 0)
    found = queue.take(0)
    assert found is not None
    queue.forget(found.key)
    queue.put(matter("a"), 1)
    assert names(queue, 1) == ["a"]


def test_when_full_the_oldest_of_the_lowest_level_gives_way() -> None:
    queue = AlertQueue(2, 60)
    queue.put(matter("old", NORMAL), 0)
    queue.put(matter("loud", CRITICAL), 0)
    dropped = queue.put(matter("new", NORMAL), 0).dropped
    assert dropped is not None
    assert dropped.event.name == "old"
    dropped = queue.put(matter("disaster", DISASTER), 0).dropped
    assert dropped is not None
    assert dropped.event.name == "new"
    dropped = queue.put(matter("late", URGENT), 0).dropped
    assert dropped is not None
    assert dropped.event.name == "late"


def test_what_is_put_back_is_first_of_its_level_and_takes_repeats_along() -> None:
    queue = AlertQueue(10, 60)
    queue.put(matter("a"), 0)
    queue.put(matter("b"), 0)
    first = queue.take(0)
    assert first is not None
    queue.put(matter("a"), 1)
    queue.put_back(first)
    assert queue.events == 3
    found = queue.take(1)
    assert found is first
    assert found.count == 2


def test_repeats_of_a_message_that_was_begun_are_another_matter() -> None:
    queue = AlertQueue(10, 60)
    queue.put(matter("a"), 0)
    first = queue.take(0)
    assert first is not None
    first.begin()
    queue.put_back(first)
    queue.put(matter("a"), 1)
    assert queue.take(1) is first
    assert first.count == 1
    assert queue.next_due() == 60


def test_closing_takes_what_is_not_due_yet() -> None:
    queue = AlertQueue(10, 60)
    queue.put(matter("a"), 0)
    assert names(queue, 0) == ["a"]
    queue.put(matter("a"), 1)
    assert queue.take(1) is None
    assert queue.take(1, all_due=True) is not None


def test_what_it_remembers_of_told_matters_is_bounded() -> None:
    queue = AlertQueue(2, 60)
    for name in "abc":
        queue.put(matter(name), 0)
        queue.take(0)
    queue.put(matter("a"), 1)
    queue.put(matter("c"), 1)
    assert names(queue, 1) == ["a"]
