"""One statement for many rows: any number of them, and who of them was known."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.jobs.ledger.reads import LedgerReader
from app.jobs.ledger.schema import connect, open_for_writing
from app.jobs.ledger.store import NEW, LedgerStore, filled_up
from app.jobs.ledger.writes import Accept, Report, Update, Withdraw, Write, batch_of
from app.jobs.record import RunOutcome, RunState
from support.jobs_support import build_record
from support.ledgers import NOON, done


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    opened = open_for_writing(tmp_path / "runs.db")
    yield opened
    opened.close()


@pytest.fixture
def store(connection: sqlite3.Connection) -> LedgerStore:
    return LedgerStore(connection)


@pytest.fixture
def reader(tmp_path: Path, store: LedgerStore) -> Iterator[LedgerReader]:
    opened = LedgerReader(connect(tmp_path / "runs.db"))
    yield opened
    opened.close()


def accepts(*numbers: int) -> list[Write]:
    return [Accept(build_record(number, accepted_at=NOON), lambda _: None) for number in numbers]


@pytest.mark.parametrize(
    ("rows", "counts"), [(1, [1]), (2, [2]), (3, [4]), (33, [64]), (64, [64]), (65, [64, 1]), (150, [64, 64, 32])]
)
def test_portions_are_filled_up_to_a_power_of_two(rows: int, counts: list[int]) -> None:
    portions = list(filled_up([(number, "x") for number in range(rows)]))
    assert [count for count, _ in portions] == counts
    assert all(len(values) == 2 * count for count, values in portions)
    kept = [value for _, values in portions for value in values if value is not None]
    assert kept == [value for number in range(rows) for value in (number, "x")]


@pytest.mark.parametrize("count", [1, 3, 64, 100, 200])
def test_any_number_of_rows_is_written_and_no_empty_one(store: LedgerStore, reader: LedgerReader, count: int) -> None:
    assert store.write(batch_of(accepts(*range(1, count + 1)))) == [NEW] * count
    store.write(batch_of(Update(done(build_record(number)), None) for number in range(1, count + 1)))
    assert [one.log_id for one in reader.list_unreported(1000, 0)] == list(range(1, count + 1))
    store.write(batch_of([Report([f"run-{number}" for number in range(1, count + 1)])]))
    assert reader.list_unreported(1000, 0) == []


def test_of_new_and_known_runs_in_one_batch_each_gets_its_own_answer(store: LedgerStore) -> None:
    store.write(batch_of(accepts(2)))
    new, known, again, *_ = store.write(batch_of(accepts(1, 2, 1, 3)))
    assert new is NEW
    assert [answer.known and answer.known.log_id for answer in (known, again)] == [2, 1]


def test_every_kind_of_write_in_one_transaction(store: LedgerStore, reader: LedgerReader) -> None:
    first, second, third = accepts(1, 2, 3)
    assert isinstance(second, Accept)
    store.write(batch_of([first, second, third, Update(done(build_record(1)), None), Report(["run-1"])]))
    store.write(batch_of([Update(done(build_record(3)), None), Withdraw(second)]))
    assert [reader.find(f"run-{number}") is None for number in (1, 2, 3)] == [False, True, False]
    assert [one.log_id for one in reader.list_unreported(10, 0)] == [3]


def test_a_transaction_that_fails_changes_nothing(store: LedgerStore, reader: LedgerReader) -> None:
    batch = batch_of([*accepts(1), Update(done(build_record(2**3), code=2**70), None)])
    with pytest.raises(OverflowError):
        store.write(batch)
    assert reader.find("run-1") is None
    assert store.write(batch_of(accepts(1))) == [NEW]


def test_sequence_numbers_go_on_where_they_ended(store: LedgerStore, connection: sqlite3.Connection) -> None:
    store.write(batch_of(accepts(1, 2, 3)))
    (answer,) = accepts(4)
    LedgerStore(connection).write(batch_of([answer]))
    assert isinstance(answer, Accept)
    assert answer.sequence == 4


def test_expiring_takes_the_oldest_first_and_so_many_at_a_time(store: LedgerStore, reader: LedgerReader) -> None:
    store.write(batch_of(accepts(1, 2, 3)))
    store.write(batch_of(Update(done(build_record(number)), None) for number in (1, 2, 3)))
    store.write(batch_of([Report(["run-1", "run-2", "run-3"])]))
    tomorrow = 2_000_000_000_000_000
    assert [store.expire(tomorrow, 2), store.expire(tomorrow, 2), store.expire(tomorrow, 2)] == [2, 1, 0]
    assert reader.find("run-1") is None


def test_an_update_keeps_what_is_no_ones_business_to_change(store: LedgerStore, reader: LedgerReader) -> None:
    store.write(batch_of(accepts(1)))
    other = done(build_record(1, handler="other", job_id=99), RunOutcome.FAILED)
    store.write(batch_of([Update(other, None)]))
    found = reader.find("run-1")
    assert found is not None
    assert (found.handler, found.job_id, found.state, found.accepted_at) == ("it", 4, RunState.DONE, NOON)
