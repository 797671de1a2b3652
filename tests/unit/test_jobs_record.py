"""A step forward is a new record."""

from dataclasses import FrozenInstanceError, replace

import pytest

from app.jobs.record import RunState, stepped
from support.jobs_support import build_record


def test_a_step_changes_what_it_names_and_leaves_the_former_record_alone() -> None:
    before = build_record(7)
    later = stepped(before, state=RunState.RUNNING, attempt=2)
    assert later == replace(before, state=RunState.RUNNING, attempt=2)
    assert (before.state, before.attempt) == (build_record(7).state, build_record(7).attempt)


def test_a_record_made_by_a_step_is_frozen_too() -> None:
    with pytest.raises(FrozenInstanceError):
        stepped(build_record(7), attempt=2).attempt = 3  # type: ignore[misc]
