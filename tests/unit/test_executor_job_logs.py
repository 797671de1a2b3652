"""Pages, zones, bounds and retention of job logs, without an executor."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.config.settings import XxlJobSettings
from app.jobs.record import RunRecord, RunState
from app.xxl_job.executor import run_log_file
from app.xxl_job.executor.job_logs import JobLogs
from app.xxl_job.executor.log_page import LogPage
from app.xxl_job.executor.log_upkeep import pack
from app.xxl_job.executor.protocol import LogQuery

NOON = 1_735_732_800_000


def record(log_id: int, log_date_time: int = NOON) -> RunRecord:
    return RunRecord(
        "r", "xxl-job", "c", log_id, log_date_time, 4, "noop", "", 0, 1, 1, "executor-a-0", "t", RunState.ACCEPTED
    )


def page(logs: JobLogs, from_line: int, *, finished: bool = True, limit: int = 1000, log_id: int = 7) -> LogPage:
    return logs.read(LogQuery(log_id, NOON, from_line), finished=finished, limit_bytes=limit)


def open_handles() -> int:
    folder = Path("/dev/fd")
    return len(list(folder.iterdir()))


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


def test_two_runs_of_a_log_id_have_a_log_each(logs: JobLogs) -> None:
    for time, text in ((NOON, "first\n"), (NOON + 5000, "second\n")):
        file = logs.open(record(7, time))
        file.write(text)
        file.close()
    texts = [logs.read(LogQuery(7, time, 1), finished=True, limit_bytes=100).content for time in (NOON, NOON + 5000)]
    assert texts == ["first\n", "second\n"]


def test_a_run_that_is_opened_again_goes_on_in_its_file(logs: JobLogs) -> None:
    for text in ("run started\n", "executor restarted\n"):
        file = logs.open(record(7))
        file.write(text)
        file.close()
    assert page(logs, 2).content == "executor restarted\n"


def test_a_log_is_found_without_its_date(logs: JobLogs) -> None:
    file = logs.open(record(7))
    file.write("here\n")
    file.close()
    assert logs.read(LogQuery(7, 0, 1), finished=True, limit_bytes=100).content == "here\n"


@pytest.mark.parametrize("moment", [2**63 - 1, 0, -1, -(2**62), 253_402_300_799_999])
def test_dates_beyond_the_calendar_do_no_harm(logs: JobLogs, moment: int) -> None:
    file = logs.open(record(7, moment))
    file.write("here\n")
    file.close()
    assert logs.read(LogQuery(7, moment, 1), finished=True, limit_bytes=100).content == "here\n"


@pytest.mark.parametrize(("zone", "day"), [("Asia/Shanghai", "2025-01-02"), ("UTC", "2025-01-01")])
def test_the_day_is_that_of_the_settings_zone(tmp_path: Path, zone: str, day: str) -> None:
    logs = JobLogs(tmp_path, lambda: XxlJobSettings(timezone=zone))
    file = logs.open(record(7, NOON + 5 * 3_600_000))
    file.write("x")
    file.close()
    assert (tmp_path / day / "7.log").exists()


def test_a_zone_that_is_changed_loses_no_log(tmp_path: Path) -> None:
    zones = ["Asia/Tokyo"]
    logs = JobLogs(tmp_path, lambda: XxlJobSettings(timezone=zones[0]))
    file = logs.open(record(7, NOON + 5 * 3_600_000))
    file.write("x")
    file.close()
    zones[0] = "America/New_York"
    query = LogQuery(7, NOON + 5 * 3_600_000, 1)
    assert logs.read(query, finished=True, limit_bytes=100).content == "x\n"


def test_the_bound_of_a_log_is_that_of_the_settings(tmp_path: Path) -> None:
    logs = JobLogs(tmp_path, lambda: XxlJobSettings(log_max_mb=1))
    file = logs.open(record(7))
    for _ in range(12):
        file.write("x" * 99_999)
    file.close()
    assert "bounded to 1 MB" in page(logs, 11).content


def test_a_log_that_is_not_there_is_an_empty_page_of_a_running_run_and_a_note_of_a_finished_one(logs: JobLogs) -> None:
    assert page(logs, 3, finished=False) == LogPage(3, 2, "", is_end=False)
    assert page(logs, 1).content == "there is no log of run 7 on this executor\n"


def test_a_log_that_cannot_be_read_says_so(logs: JobLogs, tmp_path: Path) -> None:
    (tmp_path / "xxl_log" / "2025-01-01" / "7.log").mkdir(parents=True)
    assert page(logs, 1).content == "the log of run 7 can't be read: Is a directory\n"


def test_the_file_is_for_its_group_only(logs: JobLogs, tmp_path: Path) -> None:
    file = logs.open(record(7))
    file.write("x\n")
    file.close()
    assert file.path is not None
    assert file.path.stat().st_mode & 0o007 == 0


def test_a_folder_removed_under_a_running_run_hides_no_later_line(
    logs: JobLogs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_log_file, "LOOK_SECONDS", 0.0)
    file = logs.open(record(7))
    file.write("one\ntwo\nthree\n")
    assert page(logs, 1, finished=False).to_line == 3
    shutil.rmtree(tmp_path / "xxl_log")
    assert page(logs, 4, finished=False) == LogPage(4, 3, "", is_end=False)

    file.write("four\n")
    found = page(logs, 4, finished=False)
    assert found.to_line == 3 + found.content.count("\n")
    assert found.content.endswith("\nfour\n")
    assert "earlier lines are gone" in found.content
    file.close()


def test_retention_deletes_old_job_logs_and_not_those_of_running_runs(logs: JobLogs, tmp_path: Path) -> None:
    old, running = logs.open(record(1)), logs.open(record(2))
    for file in (old, running):
        file.write("x")
    old.close()

    assert logs.expire(30) == 1
    assert sorted(path.name for path in tmp_path.rglob("*.log")) == ["2.log"]
    running.close()


def test_tidying_compresses_by_the_settings_and_the_log_reads_the_same(tmp_path: Path) -> None:
    settings = [XxlJobSettings(log_retention_days=36_500, log_compress_days=0)]
    logs = JobLogs(tmp_path, lambda: settings[0])
    file = logs.open(record(7))
    for number in range(1000):
        file.write(f"line {number}")
    file.close()
    os.utime(tmp_path / "2025-01-01" / "7.log", (1_735_732_800, 1_735_732_800))
    before = page(logs, 500, limit=5000)
    assert list(logs.tidy()) == []

    settings[0] = XxlJobSettings(log_retention_days=36_500)
    list(logs.tidy())
    assert [path.name for path in tmp_path.rglob("7.*")] == ["7.log.gz"]
    assert page(logs, 500, limit=5000) == before


def test_a_run_leaves_neither_handle_nor_object_behind(logs: JobLogs) -> None:
    before = open_handles()
    for log_id in range(300):
        file = logs.open(record(log_id))
        file.write("x")
        file.close()
    logs.close()
    assert (len(logs._open), len(logs._files)) == (0, 0)
    assert open_handles() == before


LINE = st.text(st.sampled_from("aü\r\x0b\u2028 €"), max_size=30)
STEP = st.one_of(
    st.tuples(st.just("write"), st.lists(LINE, min_size=1, max_size=8)),
    st.tuples(st.just("read"), st.integers(1, 60)),
)


@given(st.lists(STEP, max_size=12), st.integers(1, 80), st.booleans())
@settings(max_examples=50, deadline=None)
def test_pages_of_a_growing_then_finished_log_are_its_text(steps: list[Any], limit: int, packed: bool) -> None:
    with tempfile.TemporaryDirectory() as root:
        logs = JobLogs(Path(root), lambda: XxlJobSettings(log_retention_days=36_500))
        file = logs.open(record(7))
        written, seen, cursor = "", "", 1

        def poll(size: int, *, finished: bool) -> bool:
            nonlocal seen, cursor
            found = page(logs, cursor, finished=finished, limit=size)
            assert found.to_line == cursor - 1 + found.content.count("\n")
            seen, cursor = seen + found.content, found.to_line + 1
            return bool(found.content)

        for kind, value in steps:
            if kind == "write":
                for line in value:
                    file.write(line)
                    written += f"{line}\n"
            else:
                poll(value, finished=False)
                assert written.startswith(seen)
        file.close()
        if packed and file.path is not None:
            list(pack(file.path))
        while written and cursor <= written.count("\n"):
            assert poll(limit, finished=cursor > 1)
        assert seen == written
        logs.close()
