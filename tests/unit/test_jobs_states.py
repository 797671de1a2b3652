"""The table of states."""

import pytest

from app.jobs.record import FINISHED, RunState
from app.jobs.states import MOVES, Mover, is_allowed


@pytest.mark.parametrize("state", RunState)
def test_every_state_can_be_reached_and_all_but_the_last_be_left(state: RunState) -> None:
    assert any(move.after is state for move in MOVES)
    assert any(move.before is state for move in MOVES) is (state is not RunState.REPORTED)


def test_a_fixed_outcome_stays_and_only_the_console_takes_it_further() -> None:
    out = [move for move in MOVES if move.before in FINISHED]
    assert [(move.before, move.after, move.movers) for move in out] == [
        (RunState.DONE, RunState.REPORTED, frozenset({Mover.OUTBOX}))
    ]


def test_only_the_next_process_lets_a_run_begin_anew() -> None:
    back = [move for move in MOVES if move.after is RunState.ACCEPTED and move.before is not None]
    assert {move.movers for move in back} == {frozenset({Mover.RESTART})}


def test_no_run_goes_back_or_comes_to_be_later() -> None:
    assert not is_allowed(RunState.RUNNING, RunState.QUEUED)
    assert not is_allowed(RunState.DONE, RunState.RUNNING)
    assert not is_allowed(None, RunState.DONE)
    assert is_allowed(RunState.DONE, RunState.DONE)
