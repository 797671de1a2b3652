"""Memory holds a window of what the console must be told; the ledger holds all of it."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from app.jobs.ledger.memory import MemoryRunLedger
from app.jobs.record import RunRecord, RunState
from app.xxl_job.executor.unreported import PAGE, Unreported
from support.jobs_support import build_record
from support.outbox import finish

PLENTY = 1_000_000


async def open_unreported(ledger: MemoryRunLedger, *, most: int = 100, most_characters: int = PLENTY) -> Unreported:
    """Level with the ledger, as far as there is room."""
    unreported = Unreported(ledger, most=most, most_characters=most_characters)
    while unreported.is_behind and len(unreported) < most:
        await unreported.refill()
    return unreported


def take_all(unreported: Unreported) -> list[int]:
    batch = unreported.take(PLENTY, PLENTY)
    unreported.told(batch)
    return [callback.log_id for callback in batch]


async def drain(unreported: Unreported) -> list[int]:
    taken = take_all(unreported)
    while unreported:
        await unreported.refill()
        taken += take_all(unreported)
    return taken


async def test_what_a_former_process_left_is_there_at_the_start() -> None:
    ledger = MemoryRunLedger()
    finish(ledger, 1, "left behind", code=500)
    unreported = await open_unreported(ledger)
    [callback] = unreported.take(10, PLENTY)
    assert (callback.run_id, callback.code, callback.message) == ("run-1", 500, "left behind")


async def test_an_empty_ledger_leaves_nothing_to_do() -> None:
    assert not await open_unreported(MemoryRunLedger())


async def test_beyond_the_window_callbacks_are_counted_and_read_from_the_ledger_in_time() -> None:
    ledger = MemoryRunLedger()
    unreported = await open_unreported(ledger, most=3)
    for log_id in range(1, 11):
        unreported.add(finish(ledger, log_id))
    assert len(unreported) == 10
    assert take_all(unreported) == [1, 2, 3]
    assert await drain(unreported) == [4, 5, 6, 7, 8, 9, 10]
    assert len(unreported) == 0


async def test_the_window_has_a_bound_of_characters_too() -> None:
    ledger = MemoryRunLedger()
    unreported = await open_unreported(ledger, most_characters=25)
    for log_id in range(1, 6):
        unreported.add(finish(ledger, log_id, "x" * 10))
    assert take_all(unreported) == [1, 2, 3]
    assert await drain(unreported) == [4, 5]


async def test_more_than_a_page_is_read_page_by_page() -> None:
    ledger = MemoryRunLedger()
    for log_id in range(1, PAGE * 2 + 10):
        finish(ledger, log_id)
    unreported = Unreported(ledger, most=PAGE * 5)
    assert await drain(unreported) == list(range(1, PAGE * 2 + 10))


async def test_a_short_page_is_not_the_end_of_the_ledger() -> None:
    class OneByOne(MemoryRunLedger):
        def list_unreported(self, limit: int, after: int = 0) -> list[RunRecord]:
            return super().list_unreported(1, after)

    ledger = OneByOne()
    for log_id in range(1, 6):
        finish(ledger, log_id)
    assert await drain(Unreported(ledger)) == [1, 2, 3, 4, 5]


async def test_a_run_that_ends_late_is_found_though_younger_ones_were_read_before() -> None:
    ledger = MemoryRunLedger()
    slow = build_record(1)
    ledger.accept(slow, lambda _: None)
    for log_id in range(2, 8):
        finish(ledger, log_id)
    unreported = Unreported(ledger, most=3)
    await unreported.refill()
    done = replace(slow, state=RunState.DONE, code=200, message="late")
    ledger.update(done)
    unreported.add(done)
    assert sorted(await drain(unreported)) == [1, 2, 3, 4, 5, 6, 7]


async def test_what_was_told_is_not_told_again_while_the_ledger_still_writes_that_down() -> None:
    class SlowLedger(MemoryRunLedger):
        def mark_reported(self, run_ids: object) -> None:
            """Later."""

    ledger = SlowLedger()
    unreported = await open_unreported(ledger, most=2)
    for log_id in range(1, 6):
        unreported.add(finish(ledger, log_id))
    assert await drain(unreported) == [1, 2, 3, 4, 5]


async def test_the_same_run_added_twice_is_told_once() -> None:
    ledger = MemoryRunLedger()
    unreported = await open_unreported(ledger)
    record = finish(ledger, 1)
    unreported.add(record)
    unreported.add(record)
    assert take_all(unreported) == [1]


async def test_a_run_that_was_reported_is_told_again_when_it_is_added_again() -> None:
    ledger = MemoryRunLedger()
    unreported = await open_unreported(ledger)
    record = finish(ledger, 1)
    for _ in range(2):
        unreported.add(record)
        assert take_all(unreported) == [1]


async def test_what_is_given_back_comes_first_again() -> None:
    ledger = MemoryRunLedger()
    unreported = await open_unreported(ledger)
    for log_id in (1, 2, 3):
        unreported.add(finish(ledger, log_id))
    unreported.give_back(unreported.take(2, PLENTY))
    assert take_all(unreported) == [1, 2, 3]


async def test_what_is_left_to_the_ledger_is_found_there_again() -> None:
    ledger = MemoryRunLedger()
    unreported = await open_unreported(ledger)
    unreported.add(finish(ledger, 1))
    [callback] = unreported.take(1, PLENTY)
    unreported.leave(callback)
    assert len(unreported) == 1
    assert await drain(unreported) == [1]


async def test_a_batch_is_bounded_by_bytes_but_never_empty() -> None:
    ledger = MemoryRunLedger()
    unreported = await open_unreported(ledger)
    for log_id, message in enumerate(["x" * 9_000, "x" * 400, "你" * 100, "x"], start=1):
        unreported.add(finish(ledger, log_id, message))
    sizes = [len(unreported.take(10, 2_400)) for _ in range(3)]
    assert sizes == [1, 2, 1]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(["begin", "finish", "read", "send"]), max_size=60), st.integers(1, 8))
async def test_whatever_the_order_each_outcome_is_handed_out_once(steps: list[str], most: int) -> None:
    ledger = MemoryRunLedger()
    unreported = Unreported(ledger, most=most)
    begun: list[RunRecord] = []
    taken: list[int] = []
    log_id = finished = 0
    for number, step in enumerate(steps):
        if step == "begin":
            log_id += 1
            begun.append(build_record(log_id))
            ledger.accept(begun[-1], lambda _: None)
        elif step == "finish" and begun:
            done = replace(begun.pop(number % len(begun)), state=RunState.DONE, code=200)
            finished += 1
            ledger.update(done)
            unreported.add(done)
        elif step == "read" and unreported.is_behind:
            await unreported.refill()
        elif step == "send":
            taken += take_all(unreported)
    taken += await drain(unreported)
    assert len(taken) == len(set(taken)) == finished
