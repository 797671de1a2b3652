"""The ledger in its file: like a dictionary whatever happens, also after it was closed, and while the disk fails."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from app.jobs.ledger.base import Acceptance, RunQuery
from app.jobs.ledger.sqlite import SqliteRunLedger
from app.jobs.record import RunOutcome, RunRecord, RunState
from support.jobs_support import build_record
from support.ledgers import NOON, accepted, done, finished, settle, updated

RUNS = st.sampled_from(["run-1", "run-2", "run-3"])
TEXTS = st.text(st.characters(exclude_categories=[]), max_size=20)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


@contextmanager
def opened(path: Path, **options: object) -> Iterator[SqliteRunLedger]:
    ledger = SqliteRunLedger(path, **options)  # type: ignore[arg-type]
    try:
        yield ledger
    finally:
        ledger.close()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another process that writes and doesn't come to an end."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


def wait_for(condition: Callable[[], object], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.002)


class LedgerMachine(RuleBasedStateMachine):
    """Every sequence of writes against a dictionary; writes are often answered together."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.ledger = SqliteRunLedger(Path(self.folder.name) / "runs.db")
        self.model: dict[str, RunRecord] = {}
        self.revocable: set[str] = set()
        self.answers: list[tuple[bool, Acceptance]] = []
        self.stored: list[None] = []
        self.updates = 0

    @rule(run_id=RUNS, param=TEXTS)
    def accept(self, run_id: str, param: str) -> None:
        record = build_record(run_id=run_id, param=param)
        is_known = run_id in self.model
        self.revocable.discard(run_id)
        if not is_known:
            self.revocable.add(run_id)
            self.model[run_id] = replace(record, param=cleaned(param))
        self.ledger.accept(record, lambda answer: self.answers.append((is_known, answer)))

    @rule(run_id=RUNS)
    def withdraw(self, run_id: str) -> None:
        if run_id in self.revocable:
            self.revocable.discard(run_id)
            del self.model[run_id]
        self.ledger.withdraw(run_id)

    @rule(run_id=RUNS, outcome=st.none() | st.sampled_from(RunOutcome), message=TEXTS)
    def update(self, run_id: str, outcome: RunOutcome | None, message: str) -> None:
        self.revocable.discard(run_id)
        state = RunState.RUNNING if outcome is None else RunState.DONE
        later = build_record(run_id=run_id, state=state, outcome=outcome, message=message)
        former = self.model.get(run_id)
        if former is not None and former.outcome is None:
            self.model[run_id] = replace(later, param=former.param, message=cleaned(message))
        self.updates += 1
        self.ledger.update(later, lambda: self.stored.append(None))

    @rule(run_ids=st.lists(RUNS, max_size=4))
    def report(self, run_ids: list[str]) -> None:
        for run_id in run_ids:
            if run_id in self.model and self.model[run_id].state is RunState.DONE:
                self.model[run_id] = replace(self.model[run_id], state=RunState.REPORTED)
        self.ledger.mark_reported(run_ids)

    @rule()
    def let_it_write(self) -> None:
        settle(self.ledger)

    @rule()
    def reopen(self) -> None:
        self.ledger.close()
        self.revocable.clear()
        self.ledger = SqliteRunLedger(Path(self.folder.name) / "runs.db")
        assert {record.run_id: record for record in self.listed()} == self.model

    @invariant()
    def every_answered_run_is_what_the_dictionary_says(self) -> None:
        settle(self.ledger)
        assert {record.run_id: record for record in self.listed()} == self.model
        assert all(self.found(run_id) == record for run_id, record in self.model.items())
        unreported = [record.run_id for record in self.ledger.list_unreported(10)]
        assert set(unreported) == {key for key, one in self.model.items() if one.state is RunState.DONE}
        unfinished = [record.run_id for record in self.ledger.list_unfinished()]
        assert set(unfinished) == {key for key, one in self.model.items() if one.outcome is None}

    def listed(self) -> list[RunRecord]:
        return [replace(record, sequence=0) for record in self.ledger.list_runs(RunQuery())]

    def found(self, run_id: str) -> RunRecord | None:
        record = self.ledger.find(run_id)
        return record and replace(record, sequence=0)

    def teardown(self) -> None:
        self.ledger.close()
        assert len(self.stored) == self.updates
        assert all((answer.known is not None) == is_known and not answer.error for is_known, answer in self.answers)
        self.folder.cleanup()


def cleaned(text: str) -> str:
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


class BatchedLedgerMachine(LedgerMachine):
    """The same without waiting between two steps: many of them meet in one transaction."""

    @invariant()
    def every_answered_run_is_what_the_dictionary_says(self) -> None:
        """Looked at when it is opened anew."""


TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(max_examples=10, stateful_step_count=12, deadline=None)
TestBatchedLedger = BatchedLedgerMachine.TestCase
TestBatchedLedger.settings = settings(max_examples=12, stateful_step_count=30, deadline=None)


def test_what_was_answered_is_there_when_it_is_opened_again(path: Path) -> None:
    with opened(path) as ledger:
        accepted(ledger, build_record(1))
        finished(ledger, build_record(2))
    with opened(path) as ledger:
        assert [record.run_id for record in ledger.list_unfinished()] == ["run-1"]
        assert [record.run_id for record in ledger.list_unreported(10)] == ["run-2"]
        assert accepted(ledger, build_record(1)).known is not None


def test_closing_writes_what_waits(path: Path) -> None:
    with opened(path) as ledger:
        for number in range(1, 501):
            ledger.accept(build_record(number), lambda _: None)
            ledger.update(done(build_record(number)))
    with opened(path) as ledger:
        assert len(ledger.list_unreported(1000)) == 500


def test_a_closed_ledger_takes_no_run(path: Path) -> None:
    with opened(path) as ledger:
        pass
    answer = accepted(ledger, build_record(1))
    assert answer.error is not None
    assert answer.error.message == "the run ledger can't be written: it is closed"


def test_an_outcome_that_waits_is_seen_by_who_asks(path: Path) -> None:
    with opened(path, retry_seconds=0.01) as ledger:
        accepted(ledger, build_record(1))
        with locked(path):
            ledger.update(done(build_record(1)))
            found = ledger.find("run-1")
            assert found is not None
            assert found.state is RunState.DONE
            assert ledger.list_unfinished() == []
            ledger.mark_reported(["run-1"])
            assert [record.state for record in ledger.list_runs(RunQuery())] == [RunState.REPORTED]
            ledger.withdraw("run-1")
            assert ledger.find("run-1") is not None


@pytest.mark.parametrize("kind", ["accept", "update"])
def test_while_the_file_cant_be_written_runs_are_refused_and_outcomes_kept(
    path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.jobs.ledger.schema.BUSY_SECONDS", 0.01)
    with opened(path, retry_seconds=0.02) as ledger:
        accepted(ledger, build_record(1))
        stored = threading.Event()
        with locked(path):
            if kind == "update":
                ledger.update(done(build_record(1)), stored.set)
            answer = accepted(ledger, build_record(2))
            assert answer.error is not None
            assert answer.error.message == "the run ledger can't be written: locked by another process"
            assert not stored.is_set()
        if kind == "update":
            assert stored.wait(10)
        wait_for(lambda: accepted(ledger, build_record(3)).error is None)
        assert ledger.find("run-2") is None


def test_outcomes_that_waited_are_stored_in_their_order(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.jobs.ledger.schema.BUSY_SECONDS", 0.01)
    order: list[int] = []
    with opened(path, retry_seconds=0.02) as ledger:
        for number in range(1, 21):
            accepted(ledger, build_record(number))
        with locked(path):
            for number in range(1, 21):
                ledger.update(done(build_record(number)), lambda number=number: order.append(number))
            ledger.mark_reported(["run-7"])
            assert accepted(ledger, build_record(99)).error is not None
        wait_for(lambda: len(order) == 20)
    assert order == list(range(1, 21))
    with opened(path) as ledger:
        assert len(ledger.list_unreported(100)) == 19


def test_a_callback_that_fails_holds_up_nobody(path: Path) -> None:
    def fail(_: Acceptance) -> None:
        raise RuntimeError("boom")

    with opened(path) as ledger:
        ledger.accept(build_record(1), fail)
        assert accepted(ledger, build_record(2)).error is None


def test_a_record_that_cant_be_put_into_a_row_is_refused_alone(path: Path) -> None:
    answers: list[Acceptance] = []
    with opened(path) as ledger:
        for log_id in (1, 2**70, 3):
            ledger.accept(build_record(log_id), answers.append)
        updated(ledger, done(build_record(3)))
    assert sorted(answer.error is None for answer in answers) == [False, True, True]
    with opened(path) as ledger:
        assert [record.log_id for record in ledger.list_runs(RunQuery())] == [3, 1]


def test_at_its_bound_it_is_full_until_a_tenth_is_free_and_outcomes_are_still_kept(path: Path) -> None:
    with opened(path, max_bytes=400_000) as ledger:
        for number in range(1, 1001):
            ledger.accept(build_record(number, param="p" * 500, accepted_at=NOON), lambda _: None)
        wait_for(lambda: ledger.is_full)
        for number in range(1, 1001):
            ledger.update(done(build_record(number)))
        settle(ledger)
        assert ledger.is_full
        assert len(ledger.list_unreported(2000)) == 1000
        ledger.mark_reported([f"run-{number}" for number in range(1, 901)])
        ledger.expire(NOON + timedelta(days=1))
        assert not ledger.is_full
        assert [record.log_id for record in ledger.list_runs(RunQuery(limit=2000))] == list(range(1000, 900, -1))


def test_near_its_bound_the_oldest_reported_runs_give_way_to_new_ones(path: Path) -> None:
    with opened(path, max_bytes=400_000) as ledger:
        for first in range(1, 2001, 100):
            for number in range(first, first + 100):
                record = build_record(number, param="p" * 500, accepted_at=NOON + timedelta(seconds=number))
                ledger.accept(record, lambda _: None)
                ledger.update(done(record))
            ledger.mark_reported([f"run-{number}" for number in range(first, first + 100)])
            settle(ledger)
            wait_for(lambda: not ledger.is_full)
        kept = [record.log_id for record in ledger.list_runs(RunQuery(limit=5000))]
        assert kept[:100] == list(range(2000, 1900, -1))
        assert len(kept) < 1000


def test_a_full_ledger_makes_room_when_its_bound_is_set_anew(path: Path) -> None:
    with opened(path) as ledger:
        for number in range(1, 501):
            record = build_record(number, param="p" * 500, accepted_at=NOON)
            ledger.accept(record, lambda _: None)
            ledger.update(done(record))
        ledger.mark_reported([f"run-{number}" for number in range(1, 501)])
        settle(ledger)
        ledger.limit(200_000)
        wait_for(lambda: not ledger.is_full)


def test_another_bound_counts_from_now_on(path: Path) -> None:
    with opened(path, max_bytes=1) as ledger:
        assert ledger.is_full
        ledger.limit(1_000_000)
        assert not ledger.is_full


def test_what_expiring_frees_goes_back_to_the_file_system(path: Path) -> None:
    with opened(path) as ledger:
        for number in range(1, 1001):
            record = build_record(number, param="p" * 3000, accepted_at=NOON)
            ledger.accept(record, lambda _: None)
            ledger.update(done(record))
        ledger.mark_reported([f"run-{number}" for number in range(1, 1001)])
        ledger.expire(NOON + timedelta(days=1))
    assert path.stat().st_size < 200_000
