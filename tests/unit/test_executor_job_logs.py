"""Pages, indexes and retention of job logs, without an executor."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.jobs.record import RunRecord, RunState
from app.xxl_job.executor.job_logs import JobLogs
from app.xxl_job.executor.log_page import LogPage
from app.xxl_job.executor.protocol import LogQuery

NOON = 1_735_732_800_000


def record(log_id: int, log_date_time: int = NOON) -> RunRecord:
    return RunRecord(
        "r", "xxl-job", "c", log_id, log_date_time, 4, "noop", "", 0, 1, 1, "executor-a-0", "t", RunState.ACCEPTED
    )


def page(logs: JobLogs, from_line: int, *, finished: bool = True, limit: int = 1000, log_id: int = 7) -> LogPage:
    return logs.read(LogQuery(log_id, NOON, from_line), finished=finished, limit_bytes=limit)


@pytest.fixture
def logs(tmp_path: Path) -> JobLogs:
    return JobLogs(tmp_path / "xxl_log")


@pytest.mark.parametrize("from_line", [1, 2, 255, 256, 257, 999, 1000])
def test_any_page_begins_with_the_line_that_was_asked_for(logs: JobLogs, from_line: int) -> None:
    file = logs.open(record(7))
    for number in range(1, 1001):
        file.write(f"line {number}\n")

    found = page(logs, from_line, finished=False, limit=100)
    assert found.content.startswith(f"line {from_line}\n")
    assert found.to_line == from_line - 1 + found.content.count("\n")
    file.close()


def test_pages_of_a_closed_log_follow_one_another_without_gap(logs: JobLogs) -> None:
    file = logs.open(record(7))
    text = "".join(f"Zeile {number} äöü\n" for number in range(500))
    file.write(text)
    file.close()

    seen, cursor = "", 1
    while (found := page(logs, cursor, finished=False, limit=333)).content:
        seen += found.content
        cursor = found.to_line + 1
    assert seen == text


def test_a_finished_log_over_the_bound_says_where_the_rest_is(logs: JobLogs) -> None:
    file = logs.open(record(7))
    for _ in range(100):
        file.write("0123456789\n")
    file.close()

    found = page(logs, 1, limit=110)
    assert (found.to_line, found.is_end) == (10, False)
    assert found.content.endswith("... 90 more lines: python -m app job log 7, or the file 2025-01-01/7.log\n")


def test_a_line_longer_than_a_page_is_a_page(logs: JobLogs) -> None:
    file = logs.open(record(7))
    file.write("x" * 5000 + "\n")
    file.close()
    assert (page(logs, 1, limit=100).to_line, len(page(logs, 1, limit=100).content)) == (1, 5001)


def test_a_second_run_of_a_log_id_goes_on_after_the_first(logs: JobLogs) -> None:
    for text in ("first\n", "second\n"):
        file = logs.open(record(7))
        file.write(text)
        file.close()
    assert page(logs, 2).content == "second\n"


def test_a_log_is_found_without_its_date(logs: JobLogs) -> None:
    file = logs.open(record(7))
    file.write("here\n")
    file.close()
    assert logs.read(LogQuery(7, 0, 1), finished=True, limit_bytes=100).content == "here\n"


def test_dates_beyond_the_calendar_do_no_harm(logs: JobLogs) -> None:
    assert logs.path_of(7, 2**63 - 1).name == "7.log"


def test_the_file_is_for_its_group_only(logs: JobLogs, tmp_path: Path) -> None:
    file = logs.open(record(7))
    file.write("x\n")
    file.close()
    assert file.path.stat().st_mode & 0o007 == 0


def test_retention_deletes_old_job_logs_and_nothing_else(logs: JobLogs, tmp_path: Path) -> None:
    root = tmp_path / "xxl_log"
    today = datetime.now(UTC).astimezone()
    old, young = ((today - timedelta(days=days)).strftime("%Y-%m-%d") for days in (31, 29))
    kept = [f"{old}/notes.txt", f"{young}/2.log", "2020-13-99x/3.log", "keep/4.log"]
    for name in (f"{old}/1.log", "2019-01-01/5.log", *kept):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")

    assert logs.expire(30) == 2
    left = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
    assert left == sorted(kept)
    assert not (root / "2019-01-01").exists()


def test_retention_of_a_folder_that_is_not_there_is_nothing(logs: JobLogs) -> None:
    assert logs.expire(30) == 0
