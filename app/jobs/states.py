"""The states of a run and who may move it from one to another: the table that engine, ledger, tests and docs share."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.jobs.record import RunState


class Mover(StrEnum):
    """Who moves a run."""

    ENGINE = "engine"
    """On the control loop: acceptance, block strategy, kill, shutdown."""
    BODY = "body"
    """Where the handler runs: its real start and its end."""
    OUTBOX = "outbox"
    """The console has said yes."""
    RESTART = "restart"
    """The next process, for what the dead one had under way."""


@dataclass(frozen=True)
class Move:
    """One allowed step. `before` None: the run comes to be; `after` None: it is as if it had never been."""

    before: RunState | None
    after: RunState | None
    movers: frozenset[Mover]
    reason: str


def _move(before: RunState | None, after: RunState | None, *movers: Mover, reason: str) -> Move:
    return Move(before, after, frozenset(movers), reason)


MOVES: Final = (
    _move(None, RunState.ACCEPTED, Mover.ENGINE, reason="a trigger that is new was made durable"),
    _move(RunState.ACCEPTED, None, Mover.ENGINE, reason="durable too late, or while shutting down: answered 500"),
    _move(RunState.ACCEPTED, RunState.QUEUED, Mover.ENGINE, reason="the job is busy: the run waits for its turn"),
    _move(RunState.ACCEPTED, RunState.RUNNING, Mover.BODY, reason="the handler begins"),
    _move(RunState.QUEUED, RunState.RUNNING, Mover.BODY, reason="the handler begins"),
    _move(RunState.ACCEPTED, RunState.DONE, Mover.ENGINE, Mover.BODY, Mover.RESTART,
          reason="discarded, killed or covered before it began, or it could not begin; lost"),
    _move(RunState.QUEUED, RunState.DONE, Mover.ENGINE, Mover.BODY, Mover.RESTART,
          reason="killed, covered or shut down in the queue, or it could not begin; lost"),
    _move(RunState.RUNNING, RunState.DONE, Mover.BODY, Mover.ENGINE, Mover.RESTART,
          reason="it returned or raised; killed, timed out or shut down; lost"),
    _move(RunState.QUEUED, RunState.ACCEPTED, Mover.RESTART, reason="resumable: it begins anew"),
    _move(RunState.RUNNING, RunState.ACCEPTED, Mover.RESTART, reason="resumable: it begins anew"),
    _move(RunState.DONE, RunState.REPORTED, Mover.OUTBOX, reason="the console took the outcome"),
)  # fmt: skip
"""A step to the same state is allowed to everyone and changes nothing."""

_ALLOWED: Final = frozenset((move.before, move.after) for move in MOVES)


def is_allowed(before: RunState | None, after: RunState | None) -> bool:
    """Whether a run may go from one state to the other."""
    return before is after or (before, after) in _ALLOWED
