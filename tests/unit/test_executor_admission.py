"""What makes two triggers the same run."""

from dataclasses import replace
from typing import Any

import pytest

from app.jobs.record import RunState
from app.xxl_job.executor.admission import build_record, run_id_of
from app.xxl_job.executor.protocol import parse_trigger
from support.engine_desk import EngineDesk

CONFIGURATION = replace(EngineDesk().configuration, console_urls=("http://one/x", "http://two/x"), app_name="orders")
FIELDS: dict[str, Any] = {
    "jobId": 4, "logId": 7, "logDateTime": 9, "executorHandler": "noop", "executorParams": "p", "executorTimeout": 30,
}  # fmt: skip


def test_a_record_says_who_what_and_where() -> None:
    record = build_record(parse_trigger(FIELDS), CONFIGURATION, "executor-a-0")
    assert (record.job_id, record.log_id, record.log_date_time, record.handler, record.param) == (4, 7, 9, "noop", "p")
    assert (record.instance, record.trace_id, record.attempt) == ("executor-a-0", "xxl-orders-7", 1)
    assert (record.state, record.timeout_seconds, record.console) == (
        RunState.ACCEPTED,
        30,
        "http://one/x,http://two/x",
    )


def test_the_same_run_has_the_same_id_whatever_else_it_brings() -> None:
    again = {**FIELDS, "executorParams": "q", "executorBlockStrategy": "COVER_EARLY"}
    assert run_id_of(parse_trigger(again), CONFIGURATION) == run_id_of(parse_trigger(FIELDS), CONFIGURATION)


@pytest.mark.parametrize("change", [{"jobId": 5}, {"logId": 8}, {"logDateTime": 10}])
def test_another_job_log_id_or_time_is_another_run(change: dict[str, int]) -> None:
    assert run_id_of(parse_trigger({**FIELDS, **change}), CONFIGURATION) != run_id_of(
        parse_trigger(FIELDS), CONFIGURATION
    )


def test_another_console_is_another_run() -> None:
    elsewhere = replace(CONFIGURATION, console_urls=("http://one/x",))
    assert run_id_of(parse_trigger(FIELDS), elsewhere) != run_id_of(parse_trigger(FIELDS), CONFIGURATION)
