"""The writer's thread: batches, chores in between, and an end that leaves nothing behind."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.jobs.ledger.base import Acceptance, LedgerUnavailable
from app.jobs.ledger.outage import Outage
from app.jobs.ledger.schema import open_for_writing
from app.jobs.ledger.store import LedgerStore
from app.jobs.ledger.waiting import WaitingWrites
from app.jobs.ledger.writer import Chore, LedgerWriter
from app.jobs.ledger.writes import Accept, Batch
from support.jobs_support import build_record


class GatedStore(LedgerStore):
    """Writes nothing before the gate is open; counts transactions."""

    gate: threading.Event
    batches: list[int]

    def write(self, batch: Batch) -> list[Acceptance]:
        assert self.gate.wait(10)
        self.batches.append(len(batch.writes))
        return super().write(batch)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GatedStore]:
    opened = GatedStore(open_for_writing(tmp_path / "runs.db"))
    opened.gate, opened.batches = threading.Event(), []
    yield opened
    opened.close()


def test_everything_that_waits_goes_into_one_transaction(store: GatedStore) -> None:
    rows: list[int] = []
    writer = LedgerWriter(store, WaitingWrites(), rows.append)
    answers: list[Acceptance] = []
    for number in range(1, 101):
        writer.put(Accept(build_record(number), answers.append))
    store.gate.set()
    writer.close()
    assert len(answers) == 100
    assert len(store.batches) <= 2
    assert sum(rows) == 100


def test_a_chore_answers_and_one_that_fails_says_so(store: GatedStore) -> None:
    store.gate.set()
    writer = LedgerWriter(store, WaitingWrites(), lambda _: None)
    good, bad = Chore(lambda: 7), Chore(lambda: 1 // 0)
    writer.put(good)
    writer.put(bad)
    assert good.result.result(10) == 7
    with pytest.raises(LedgerUnavailable, match="ZeroDivisionError"):
        bad.result.result(10)
    writer.close()


def test_its_thread_ends_with_it(store: GatedStore) -> None:
    store.gate.set()
    writer = LedgerWriter(store, WaitingWrites(), lambda _: None, Outage())
    assert "ledger" in {thread.name for thread in threading.enumerate()}
    assert writer.refusal is None
    writer.close()
    assert "ledger" not in {thread.name for thread in threading.enumerate()}
    assert writer.refusal == "it is closed"


def test_a_writer_that_sleeps_is_woken_by_each_of_many_threads(store: GatedStore) -> None:
    store.gate.set()
    writer = LedgerWriter(store, WaitingWrites(), lambda _: None)
    answered = [threading.Event() for _ in range(200)]

    def put(numbers: range) -> None:
        for number in numbers:
            writer.put(Accept(build_record(number + 1), lambda _, number=number: answered[number].set()))  # type: ignore[misc]
            assert answered[number].wait(10)

    threads = [threading.Thread(target=put, args=(range(start, start + 50),)) for start in range(0, 200, 50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    assert all(event.is_set() for event in answered)
