"""`GET /runs`: filters, and what is no filter."""

from typing import Any

import pytest

from app.common.errors import ValidationError
from app.jobs.ledger.base import RunQuery
from app.jobs.ledger.memory import MemoryRunLedger
from app.jobs.record import RunOutcome, RunState
from app.xxl_job.executor.runs_page import RunsPage, parse_query
from support.jobs_support import build_record


@pytest.mark.parametrize(
    ("fields", "query"),
    [
        ({}, RunQuery()),
        ({"limit": "5", "before": "70"}, RunQuery(limit=5, before=70)),
        ({"limit": "1000000"}, RunQuery(limit=1000)),
        ({"handler": "orders", "job_id": "4", "log_id": "9"}, RunQuery(handler="orders", job_id=4, log_id=9)),
        ({"outcome": "lost,killed"}, RunQuery(outcomes=frozenset({RunOutcome.LOST, RunOutcome.KILLED}))),
        ({"state": "running"}, RunQuery(states=frozenset({RunState.RUNNING}))),
    ],
)
def test_filters(fields: dict[str, str], query: RunQuery) -> None:
    assert parse_query(fields) == query


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"limit": "-1"}, "limit must be a number"),
        ({"before": "²"}, "before must be a number"),
        ({"before": "9" * 30}, "before must be a number"),
        ({"outcome": "great"}, "outcome must be one of success, failed, timeout, killed, discarded, lost"),
        ({"order": "asc"}, "order is no filter"),
    ],
)
def test_what_is_no_filter_is_named(fields: dict[str, str], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        parse_query(fields)


def test_the_newest_runs_come_first_and_the_next_page_after_them() -> None:
    ledger, seen = MemoryRunLedger(), list[Any]()
    for number in range(1, 6):
        ledger.accept(build_record(number), seen.append)
    page = RunsPage(ledger)
    first = page.read({"limit": "2"})
    second = page.read({"limit": "2", "before": str(first[-1]["sequence"])})
    assert [run["log_id"] for run in first + second] == [5, 4, 3, 2]
