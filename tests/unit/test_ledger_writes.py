"""How much goes into one transaction: nothing whose order would be turned round for any run."""

from collections import deque
from dataclasses import replace

import pytest

from app.jobs.ledger import writes
from app.jobs.ledger.writes import Accept, Report, Update, Withdraw, Write, after, batch_of, take_batch
from app.jobs.record import RunOutcome, RunState
from support.jobs_support import build_record
from support.ledgers import done


def accept(number: int, **fields: object) -> Accept:
    return Accept(build_record(number, **fields), lambda _: None)


def update(number: int) -> Update:
    return Update(done(build_record(number)), None)


FIRST = accept(1)


@pytest.mark.parametrize(
    ("waiting", "taken"),
    [
        ([FIRST, update(1), Report(["run-1"]), accept(2)], 4),
        ([update(1), accept(2), update(2), accept(3), Report(["run-1"])], 5),
        ([update(1), FIRST], 1),
        ([Withdraw(FIRST), accept(2), FIRST], 2),
        ([Report(["run-2", "run-1"]), update(3), update(1)], 2),
        ([FIRST, accept(1)], 2),
    ],
)
def test_a_batch_ends_where_the_order_of_kinds_would_matter(waiting: list[Write], taken: int) -> None:
    backlog = deque(waiting)
    batch = take_batch(backlog)
    assert batch.writes == waiting[:taken]
    assert list(backlog) == waiting[taken:]


def test_a_batch_is_bounded_by_its_writes_and_by_the_text_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writes, "MOST_WRITES", 3)
    assert len(take_batch(deque(accept(number) for number in range(9))).writes) == 3
    monkeypatch.setattr(writes, "MOST_CHARACTERS", 15)
    assert len(take_batch(deque(accept(number, param="p" * 10) for number in range(9))).writes) == 2


def test_of_several_updates_the_last_counts_unless_an_outcome_came_before() -> None:
    killed = done(build_record(1), RunOutcome.KILLED)
    running = build_record(1, state=RunState.RUNNING)
    batch = batch_of([Update(running, None), Update(killed, None), Update(running, None)])
    assert batch.updates == {"run-1": killed}


@pytest.mark.parametrize(
    ("waiting", "is_one"),
    [
        ([accept(1), accept(2)], True),
        ([Report(["run-1", "run-2"])], True),
        ([accept(1), accept(2), accept(3)], False),
        ([accept(1), update(2)], False),
    ],
)
def test_one_statement_needs_no_transaction(waiting: list[Write], is_one: bool) -> None:
    assert batch_of(waiting).is_one_statement(2) is is_one


def test_new_runs_can_be_refused_and_everything_else_must_last() -> None:
    kept = update(1)
    assert list(batch_of([accept(2), kept, accept(3)]).lasting) == [kept]


def test_a_write_takes_effect_once() -> None:
    accepted = build_record(1, sequence=5)
    finished = after(accepted, update(1))
    assert finished == replace(done(build_record(1)), sequence=5)
    assert after(finished, Update(build_record(1, state=RunState.RUNNING), None)) == finished
    reported = after(finished, Report(["run-1"]))
    assert reported is not None
    assert reported.state is RunState.REPORTED
    assert after(reported, Report(["run-1"])) == reported
    assert after(None, update(1)) is None


def test_a_withdrawal_undoes_its_own_acceptance_only() -> None:
    mine, other = accept(1), accept(1)
    mine.sequence, other.sequence = 5, 6
    record = build_record(1, sequence=5)
    assert after(record, Withdraw(mine)) is None
    assert after(record, Withdraw(other)) == record
