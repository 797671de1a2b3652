"""A record becomes a row and the same record again, whatever text is in it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.jobs.ledger.columns import CHANGING, COLUMNS, accepted_row, changed_row, microseconds, record_of, storable
from app.jobs.record import RunOutcome, RunState
from support.jobs_support import build_record

FULL = build_record(
    7,
    param="日报",
    state=RunState.DONE,
    outcome=RunOutcome.TIMEOUT,
    code=502,
    message="job execute timeout",
    accepted_at=datetime(2026, 11, 22, 12, 0, 0, 1, tzinfo=UTC),
    started_at=datetime(1969, 12, 31, tzinfo=UTC),
    finished_at=datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    timeout_seconds=30,
)


@pytest.mark.parametrize("record", [FULL, build_record(1)])
def test_a_row_gives_the_record_back(record: object) -> None:
    assert record_of(accepted_row(record, 12)) == replace(record, sequence=12)  # type: ignore[type-var, arg-type]


def test_rows_are_in_the_order_of_their_columns() -> None:
    row = dict(zip(COLUMNS, accepted_row(FULL, 12), strict=True))
    assert (row["sequence"], row["run_id"], row["triggered_by"]) == (12, "run-7", "xxl-job")
    run_id, *values = changed_row(FULL)
    assert run_id == "run-7"
    assert {name: row[name] for name in CHANGING} == dict(zip(CHANGING, values, strict=True))


@pytest.mark.parametrize(
    ("text", "stored"),
    [("plain", "plain"), ("日报", "日报"), ("a\0b", "a\ufffdb"), ("half \ud83d", "half ?"), ("\0\udc00é", "\ufffd?é")],
)
def test_what_sqlite_cant_keep_is_replaced(text: str, stored: str) -> None:
    assert storable(text) == stored


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(exclude_categories=[])))
def test_any_text_becomes_one_that_can_be_encoded_and_stays_the_same_then(text: str) -> None:
    once = storable(text)
    assert storable(once.encode().decode()) == once
    assert "\0" not in once


def test_moments_of_other_zones_count_from_the_same_epoch() -> None:
    shanghai = timezone(timedelta(hours=8))
    assert microseconds(datetime(1970, 1, 1, 8, 0, 1, tzinfo=shanghai)) == 1_000_000
    assert microseconds(None) is None
