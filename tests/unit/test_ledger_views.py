"""A run as JSON: snake case, moments with their zone, None where nothing happened yet."""

import json
from datetime import timedelta

import pytest

from app.jobs.ledger.views import run_as_json, took_seconds
from app.jobs.record import RunRecord
from support.jobs_support import build_record
from support.ledgers import NOON, done

FINISHED = done(build_record(7, accepted_at=NOON, started_at=NOON - timedelta(seconds=1.5)))


def test_a_finished_run_says_everything() -> None:
    view = run_as_json(FINISHED)
    assert json.loads(json.dumps(view)) == view
    assert set(RunRecord.__dataclass_fields__) < set(view)
    assert (view["state"], view["outcome"], view["code"], view["took_seconds"]) == ("done", "success", 200, 1.5)
    assert view["finished_at"] == "2026-11-22T12:00:00+00:00"


def test_a_waiting_run_has_no_outcome() -> None:
    view = run_as_json(build_record(7))
    assert [view[key] for key in ("outcome", "code", "started_at", "finished_at", "took_seconds")] == [None] * 5


@pytest.mark.parametrize("record", [build_record(1, started_at=NOON), done(build_record(1))])
def test_a_run_that_never_began_or_is_not_over_took_no_time(record: RunRecord) -> None:
    assert took_seconds(record) is None


def test_a_run_over_a_clock_that_was_set_back_took_no_time_rather_than_less() -> None:
    assert took_seconds(done(build_record(1, started_at=NOON + timedelta(hours=1)))) == 0.0
