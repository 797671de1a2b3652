"""The file that is meant by a log id and a time."""

from pathlib import Path

import pytest

from app.xxl_job.executor.day_folder import DayFolder
from app.xxl_job.executor.log_finder import LogFinder

NOON = 1_735_732_800_000
DAY = "2025-01-01"
EVENING = 1_735_776_000_000 - 400


def found(root: Path, log_id: int, time: int, zone: str = "UTC") -> str | None:
    path = LogFinder(root).find(log_id, time, zone)
    return path and f"{path.parent.name}/{path.name}"


def written(root: Path, day: str, log_id: int, time: int) -> None:
    DayFolder(root / day).claim(log_id, time)


def test_the_usual_log_is_found_by_its_day_alone(tmp_path: Path) -> None:
    (tmp_path / DAY).mkdir()
    (tmp_path / DAY / "7.log").touch()
    assert found(tmp_path, 7, NOON) == "2025-01-01/7.log"


def test_of_two_runs_the_one_that_is_meant_is_found(tmp_path: Path) -> None:
    for time in (NOON + 17, NOON + 5017):
        written(tmp_path, DAY, 7, time)
    assert [found(tmp_path, 7, time) for time in (NOON, NOON + 5000, NOON + 5017)] == [
        "2025-01-01/7.log",
        "2025-01-01/7.2.log",
        "2025-01-01/7.2.log",
    ]


def test_of_two_runs_the_newest_is_shown_to_who_asks_for_neither(tmp_path: Path) -> None:
    for time in (NOON, NOON + 5000):
        written(tmp_path, DAY, 7, time)
    assert found(tmp_path, 7, NOON + 60_000) == "2025-01-01/7.2.log"


def test_a_compressed_log_is_found(tmp_path: Path) -> None:
    for time in (NOON, NOON + 5000):
        written(tmp_path, DAY, 7, time)
    for name in ("7.log", "7.2.log"):
        (tmp_path / DAY / name).rename(tmp_path / DAY / f"{name}.gz")
    assert [found(tmp_path, 7, time) for time in (NOON, NOON + 5000)] == [
        "2025-01-01/7.log.gz",
        "2025-01-01/7.2.log.gz",
    ]


def test_a_time_that_was_rounded_into_the_next_day_is_found(tmp_path: Path) -> None:
    written(tmp_path, DAY, 7, EVENING)
    assert found(tmp_path, 7, EVENING + 400) == "2025-01-01/7.log"


def test_a_log_written_under_another_zone_is_found(tmp_path: Path) -> None:
    written(tmp_path, "2024-12-31", 7, NOON)
    assert found(tmp_path, 7, NOON, "Asia/Tokyo") == "2024-12-31/7.log"


def test_another_runs_log_of_the_day_before_is_not_taken_for_it(tmp_path: Path) -> None:
    written(tmp_path, "2024-12-31", 7, NOON - 86_400_000)
    assert found(tmp_path, 7, NOON) is None


@pytest.mark.parametrize("log_id", [8, 0, 77, 2**63 - 1])
def test_what_is_not_there_is_not_found(tmp_path: Path, log_id: int) -> None:
    written(tmp_path, DAY, 7, NOON)
    assert (found(tmp_path, log_id, NOON), found(tmp_path, log_id, 0)) == (None, None)


def test_without_a_time_the_newest_is_taken(tmp_path: Path) -> None:
    written(tmp_path, "2024-12-31", 7, NOON - 86_400_000)
    for time in (NOON, NOON + 5000):
        written(tmp_path, DAY, 7, time)
    written(tmp_path, DAY, 77, NOON)
    (tmp_path / DAY / "7.notes.log").touch()
    assert found(tmp_path, 7, 0) == "2025-01-01/7.2.log"
    assert [f"{path.parent.name}/{path.name}" for path in LogFinder(tmp_path).list_newest(7)] == [
        "2025-01-01/7.2.log",
        "2025-01-01/7.log",
        "2024-12-31/7.log",
    ]
