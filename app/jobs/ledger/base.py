"""The run ledger port: every accepted run and every outcome, kept once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from app.common.errors import Unavailable
from app.jobs.record import RunOutcome, RunRecord, RunState

KEPT_PARAMETER: Final = 4_000
"""Characters of a parameter that are kept once the run's outcome is fixed; until then it is whole."""


class LedgerUnavailable(Unavailable):
    """The run ledger takes no new runs at present."""

    code = "LEDGER_UNAVAILABLE"


@dataclass(frozen=True)
class Acceptance:
    """What the ledger says of a run that was handed to it: kept, known already, or not kept."""

    known: RunRecord | None = None
    """The record of the earlier delivery: this one changed nothing."""
    error: LedgerUnavailable | None = None


@dataclass(frozen=True)
class RunQuery:
    """Which runs to list; the newest come first."""

    limit: int = 100
    before: int | None = None
    """Only runs kept before the one with this sequence number: the `sequence` of the last run of the former page."""
    handler: str | None = None
    job_id: int | None = None
    log_id: int | None = None
    states: frozenset[RunState] = frozenset()
    """Empty: every state."""
    outcomes: frozenset[RunOutcome] = frozenset()


class RunLedger(Protocol):
    """Keeps run records by `run_id`.

    Writes return at once and take effect in their order; what depends on one having lasted is told by its callback, in
    a thread of the ledger's choice. Reads see every earlier write of the same process that was answered. Callable from
    any thread.
    """

    def accept(self, record: RunRecord, answer: Callable[[Acceptance], None]) -> None:
        """Keeps a new run; `answer` is called once it would survive the process, or when that failed."""
        ...

    def withdraw(self, run_id: str) -> None:
        """Undoes this process's latest acceptance of the run, which came too late: as if it had never been handed over.

        Nothing is undone if that acceptance found the run known already, or once the run was updated.
        """
        ...

    def update(self, record: RunRecord, stored: Callable[[], None] | None = None) -> None:
        """Replaces the record of an accepted run by a later one. A fixed outcome is never replaced.

        State, outcome, code, message, attempt and the times may change; all else stays as it was accepted.
        `stored` is called once it would survive the process. A write that fails is tried again until it succeeds: no
        outcome is dropped.
        """
        ...

    def mark_reported(self, run_ids: Sequence[str]) -> None:
        """The console has taken these outcomes."""
        ...

    def find(self, run_id: str) -> RunRecord | None:
        """The record of a run, or None."""
        ...

    def list_runs(self, query: RunQuery) -> list[RunRecord]:
        """The newest records first."""
        ...

    def list_unreported(self, limit: int, after: int = 0) -> list[RunRecord]:
        """Finished runs whose outcome the console hasn't taken, oldest first, with a sequence number above `after`.

        A page may be short; an empty one is the end.
        """
        ...

    def list_unfinished(self) -> list[RunRecord]:
        """Runs that were accepted and have no outcome, oldest first."""
        ...

    @property
    def is_full(self) -> bool:
        """At the bound, when nothing reported is left to forget, new runs are refused; outcomes are still taken."""
        ...

    def expire(self, before: datetime) -> int:
        """Forgets reported runs that were accepted before, and more of them at the bound; returns how many. Blocks."""
        ...

    def close(self) -> None:
        """Waits for every write that can succeed. Nothing may be written afterwards."""
        ...
