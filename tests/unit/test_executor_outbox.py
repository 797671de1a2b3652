"""The outbox: order, batches, patience, bounds, and one that spoils the rest."""

import asyncio
import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.jobs.ledger.memory import MemoryRunLedger
from app.xxl_job.executor import outbox
from app.xxl_job.executor.outbox import BATCH
from support.outbox import Post, finish, open_outbox

FOREVER = 3600.0


def refusals(number: int) -> Post:
    """Refuses its first `number` batches."""
    post = Post()
    post.refuses = lambda _: len(post.attempts) <= number
    return post


def poisoned_by(*log_ids: int) -> Post:
    return Post(refuses=lambda batch: not set(log_ids).isdisjoint(batch))


async def test_what_waits_together_is_sent_together_in_order() -> None:
    ledger = MemoryRunLedger()
    for log_id in range(1, BATCH + 51):
        finish(ledger, log_id)
    async with open_outbox(Post(), ledger) as desk:
        await desk.until_idle()

    assert desk.post.log_ids == list(range(1, BATCH + 51))
    assert [len(batch) for batch in desk.post.attempts] == [BATCH, 50]


async def test_the_next_request_takes_all_that_came_while_one_was_under_way() -> None:
    async with open_outbox(Post(gate=asyncio.Event())) as desk:
        desk.finish(1)
        await desk.until(lambda: desk.post.attempts)
        desk.finish(2, 3, 4)
        assert desk.post.gate is not None
        desk.post.gate.set()
        await desk.until_idle()
    assert desk.post.attempts == [[1], [2, 3, 4]]


async def test_under_load_a_request_waits_a_moment_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "LINGER_SECONDS", 0.2)
    ticks = itertools.count()
    async with open_outbox(Post(), clock=lambda: next(ticks) / 10_000) as desk:
        desk.finish(*range(1, 501))  # as if within 50 ms
        await desk.until_idle()
        desk.finish(501)
        await asyncio.sleep(0)
        desk.finish(502, 503)
        await desk.until_idle()
    assert desk.post.attempts[-1] == [501, 502, 503]


async def test_what_the_console_took_is_reported_in_the_ledger_and_in_nobodys_memory() -> None:
    async with open_outbox(Post()) as desk:
        desk.finish(1, 2)
        await desk.until_idle()
        assert desk.ledger.list_unreported(10) == []
        assert len(desk.outbox) == 0


async def test_a_refused_callback_is_sent_again_unchanged_until_it_is_taken() -> None:
    async with open_outbox(refusals(9)) as desk:
        desk.finish(1)
        await desk.until_idle()
    assert desk.post.attempts == [[1]] * 10


async def test_a_console_that_is_down_is_asked_with_one_callback_at_a_time() -> None:
    ledger = MemoryRunLedger()
    for log_id in range(1, 101):
        finish(ledger, log_id)
    async with open_outbox(refusals(12), ledger) as desk:
        await desk.until_idle()

    assert [len(batch) for batch in desk.post.attempts[:13]] == [100, *[1] * 12]
    assert desk.post.counts == dict.fromkeys(range(1, 101), 1)


async def test_an_outage_has_pauses_between_its_attempts() -> None:
    ledger = MemoryRunLedger()
    for log_id in range(1, 101):
        finish(ledger, log_id)
    async with open_outbox(Post(refuses=lambda _: True), ledger, pauses=(FOREVER, FOREVER)) as desk:
        await desk.until(lambda: len(desk.post.attempts) == 3)
        desk.finish(101, 102)
        await asyncio.sleep(0.02)
        assert desk.post.attempts[1:] == [[1], [100]]


async def test_a_sign_of_life_ends_the_pause() -> None:
    async with open_outbox(refusals(1), pauses=(FOREVER, FOREVER)) as desk:
        desk.finish(1)
        await desk.until(lambda: desk.post.attempts)
        desk.outbox.wake()
        await desk.until(lambda: desk.post.log_ids == [1])


async def test_a_sign_of_life_during_an_attempt_counts() -> None:
    post = refusals(1)
    post.gate = asyncio.Event()
    async with open_outbox(post, pauses=(FOREVER, FOREVER)) as desk:
        desk.finish(1)
        await desk.until(lambda: post.attempts)
        desk.outbox.wake()
        post.gate.set()
        await desk.until(lambda: post.log_ids == [1])


async def test_one_poisoned_callback_does_not_hold_up_the_others() -> None:
    ledger = MemoryRunLedger()
    for log_id in range(1, 201):
        finish(ledger, log_id)
    async with open_outbox(poisoned_by(77), ledger, pauses=(FOREVER, FOREVER)) as desk:
        await desk.until(lambda: len(desk.post.taken) == 199)
        assert len(desk.post.attempts) < 20
        assert [one.log_id for one in ledger.list_unreported(10)] == [77]
        desk.finish(201)
        await desk.until(lambda: 201 in desk.post.log_ids)


async def test_a_poisoned_callback_that_waits_alone_does_not_hold_up_the_next_one() -> None:
    async with open_outbox(poisoned_by(1), pauses=(FOREVER, FOREVER)) as desk:
        desk.finish(1)
        await desk.until(lambda: desk.post.attempts)
        desk.finish(2)
        await desk.until(lambda: desk.post.log_ids == [2])


async def test_a_poisoned_callback_is_never_given_up() -> None:
    post = poisoned_by(2)
    async with open_outbox(post) as desk:
        desk.finish(1, 2, 3)
        await desk.until(lambda: post.attempts.count([2]) >= 5)
        assert post.log_ids == [1, 3]
        post.refuses = lambda _: False
        await desk.until_idle()
    assert post.log_ids == [1, 3, 2]


async def test_other_settings_give_refused_callbacks_their_chance_at_once() -> None:
    post = poisoned_by(2)
    async with open_outbox(post, pauses=(FOREVER, FOREVER)) as desk:
        desk.finish(1, 2, 3)
        await desk.until(lambda: post.log_ids == [1, 3])
        post.refuses = lambda _: False
        desk.outbox.wake(anew=True)
        await desk.until(lambda: post.log_ids == [1, 3, 2])


async def test_more_poison_than_memory_takes_stays_in_the_ledger() -> None:
    ledger = MemoryRunLedger()
    for log_id in range(1, 41):
        finish(ledger, log_id)
    post = poisoned_by(*range(1, 11))
    async with open_outbox(post, ledger, most_apart=5, pauses=(FOREVER, FOREVER)) as desk:
        await desk.until(lambda: len(post.taken) == 30)
        assert [one.log_id for one in ledger.list_unreported(50)] == list(range(1, 11))
        assert len(desk.outbox) == 10


async def test_poisoned_callbacks_side_by_side_are_no_outage() -> None:
    ledger = MemoryRunLedger()
    for log_id in range(1, 101):
        finish(ledger, log_id)
    async with open_outbox(poisoned_by(*range(41, 61)), ledger, pauses=(FOREVER, FOREVER)) as desk:
        await desk.until(lambda: len(desk.post.taken) == 80)
        assert len(desk.post.attempts) < 200


async def test_an_error_of_any_kind_is_a_refusal() -> None:
    class Odd(Exception):
        """Of no tree."""

    def refuse(batch: Sequence[int]) -> bool:
        if len(post.attempts) < 5:
            raise Odd
        return False

    post = Post(refuses=refuse)
    async with open_outbox(post) as desk:
        desk.finish(1)
        await desk.until_idle()
    assert post.log_ids == [1]


async def test_a_flush_that_takes_too_long_tells_how_many_are_left() -> None:
    async with open_outbox(Post(gate=asyncio.Event())) as desk:
        desk.finish(1, 2)
        await desk.until(lambda: desk.post.attempts)
        assert await desk.outbox.flush(0.02) == 2


async def test_the_bound_is_told_and_nothing_is_dropped() -> None:
    async with open_outbox(Post(gate=asyncio.Event()), capacity=3, most=2) as desk:
        desk.finish(1, 2)
        assert not desk.outbox.is_full
        desk.finish(3, 4)
        assert desk.outbox.is_full
        assert desk.post.gate is not None
        desk.post.gate.set()
        await desk.until_idle()
        assert not desk.outbox.is_full
    assert desk.post.counts == {1: 1, 2: 1, 3: 1, 4: 1}


async def test_a_ledger_that_cannot_be_read_is_asked_again() -> None:
    class Moody(MemoryRunLedger):
        asked = 0

        def list_unreported(self, limit: int, after: int = 0) -> list[object]:  # type: ignore[override]
            self.asked += 1
            if self.asked < 3:
                raise OSError("disk")
            return list(super().list_unreported(limit, after))

    ledger = Moody()
    finish(ledger, 1)
    async with open_outbox(Post(), ledger) as desk:
        await desk.until_idle()
    assert desk.post.log_ids == [1]


async def test_an_outcome_that_nobody_told_of_is_found_in_the_ledger_in_time() -> None:
    async with open_outbox(Post(), rescan_seconds=0.02) as desk:
        await desk.until_idle()
        finish(desk.ledger, 1)
        await desk.until(lambda: desk.post.log_ids == [1])


async def test_refused_callbacks_that_are_always_due_again_starve_nobody() -> None:
    async with open_outbox(poisoned_by(1, 2), pauses=(0.0, 0.0)) as desk:
        desk.finish(1, 2, 3)
        await desk.until(lambda: desk.post.log_ids == [3])
        desk.finish(4, 5)
        await desk.until(lambda: set(desk.post.log_ids) == {3, 4, 5})
        desk.post.refuses = lambda _: False
        await desk.until_idle()
    assert sorted(desk.post.log_ids) == [1, 2, 3, 4, 5]


@settings(max_examples=40, deadline=None)
@given(
    runs=st.integers(1, 60),
    poison=st.sets(st.integers(1, 60), max_size=4),
    flaws=st.lists(st.booleans(), max_size=30),
    most=st.integers(8, 80),
)
def test_whatever_is_refused_every_other_outcome_arrives_once(
    runs: int, poison: set[int], flaws: list[bool], most: int
) -> None:
    """`flaws`: whether the console refuses its first requests, one by one; afterwards only poison is refused."""

    async def scenario() -> None:
        ledger = MemoryRunLedger()
        for log_id in range(1, runs + 1):
            finish(ledger, log_id)
        post = Post()
        script = iter(flaws)
        post.refuses = lambda batch: next(script, False) or not poison.isdisjoint(batch)
        async with open_outbox(post, ledger, most=most, most_apart=4, pauses=(0.0001, 0.0002)) as desk:
            healthy = set(range(1, runs + 1)) - poison
            await desk.until(lambda: set(post.log_ids) == healthy)
            post.refuses = lambda _: False
            await desk.until_idle()
        assert post.counts == dict.fromkeys(range(1, runs + 1), 1)

    asyncio.run(scenario())
