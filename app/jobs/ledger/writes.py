"""What the ledger was told, in order, and how much of it goes into one transaction."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final

from app.jobs.ledger.base import Acceptance
from app.jobs.record import RunRecord, RunState

MOST_WRITES: Final = 1000
MOST_CHARACTERS: Final = 16_000_000
"""Of parameters in one transaction."""


@dataclass(eq=False, slots=True)
class Accept:
    record: RunRecord
    answer: Callable[[Acceptance], None]
    sequence: int = 0
    """Of the row that it made or would have made; given as it is written."""

    order: ClassVar[int] = 0

    @property
    def runs(self) -> Sequence[str]:
        """The ids of the runs that the write is about; so with the others."""
        return (self.record.run_id,)


@dataclass(eq=False, slots=True)
class Update:
    record: RunRecord
    stored: Callable[[], None] | None

    order: ClassVar[int] = 1

    @property
    def runs(self) -> Sequence[str]:
        return (self.record.run_id,)


@dataclass(eq=False, slots=True)
class Report:
    runs: Sequence[str]

    order: ClassVar[int] = 2


@dataclass(eq=False, slots=True)
class Withdraw:
    accept: Accept
    """Undone alone: if the run was known before, nothing is."""

    order: ClassVar[int] = 3

    @property
    def runs(self) -> Sequence[str]:
        return (self.accept.record.run_id,)


Write = Accept | Update | Report | Withdraw


def after(record: RunRecord | None, write: Write) -> RunRecord | None:
    """The record of an accepted run once the write has taken effect; twice is as good as once."""
    match write:
        case Update(later) if record is not None and record.outcome is None:
            return replace(later, sequence=record.sequence)
        case Report() if record is not None and record.state is RunState.DONE:
            return replace(record, state=RunState.REPORTED)
        case Withdraw(accept) if record is not None and record.sequence == accept.sequence:
            return None
    return record


@dataclass
class Batch:
    """One transaction: kinds of writes take effect in the order of the fields, runs in the order they came."""

    accepts: list[Accept] = field(default_factory=list)
    updates: dict[str, RunRecord] = field(default_factory=dict)
    reports: list[str] = field(default_factory=list)
    withdrawals: list[Accept] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    """All of them as they came."""

    @property
    def lasting(self) -> Iterator[Write]:
        """What must not get lost: all but new runs, which can be refused."""
        return (write for write in self.writes if not isinstance(write, Accept))

    def is_one_statement(self, rows: int) -> bool:
        """Of at most so many rows: it needs no transaction around it."""
        kinds = (self.accepts, self.updates, self.reports, self.withdrawals)
        sizes = [len(kind) for kind in kinds if kind]
        return len(sizes) == 1 and sizes[0] <= rows

    def add(self, write: Write) -> None:
        self.writes.append(write)
        match write:
            case Accept():
                self.accepts.append(write)
            case Update():
                record = write.record
                earlier = self.updates.get(record.run_id)
                if earlier is None or earlier.outcome is None:
                    self.updates[record.run_id] = record
            case Report():
                self.reports.extend(write.runs)
            case Withdraw():
                self.withdrawals.append(write.accept)


def batch_of(writes: Iterable[Write]) -> Batch:
    batch = Batch()
    for write in writes:
        batch.add(write)
    return batch


def take_batch(backlog: deque[Write]) -> Batch:
    """Takes writes from the front, as long as the order of kinds changes nothing for any run."""
    batch, reached, highest, characters = Batch(), dict[str, int](), 0, 0
    while backlog and len(batch.writes) < MOST_WRITES and characters < MOST_CHARACTERS:
        write = backlog[0]
        order, runs = write.order, write.runs
        if order < highest and any(reached.get(run_id, 0) > order for run_id in runs):
            break
        highest = max(highest, order)
        for run_id in runs:
            reached[run_id] = order
        batch.add(backlog.popleft())
        if isinstance(write, Accept):
            characters += len(write.record.param)
    return batch
