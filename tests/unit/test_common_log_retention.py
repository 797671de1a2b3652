"""Old days are compressed and removed, and nothing else is ever touched."""

import gzip
import os
import time
from datetime import date
from pathlib import Path

import pytest

from app.common.log_retention import Housekeeping, tidy

TODAY = date(2026, 3, 1)


def put(path: Path, content: str = "line\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def tidy_up(folder: Path, retention_days: int = 60, settled_seconds: float = 0) -> None:
    for _ in tidy(folder, TODAY, retention_days, settled_seconds=settled_seconds):
        continue


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def test_a_former_day_is_compressed_and_todays_file_is_not(tmp_path: Path) -> None:
    put(tmp_path / "2026-02-28/web-h-0.log", "old\n" * 200_000)
    put(tmp_path / "2026-03-01/web-h-0.log")
    tidy_up(tmp_path)
    assert files_in(tmp_path) == ["2026-02-28/web-h-0.log.gz", "2026-03-01/web-h-0.log"]
    assert gzip.decompress((tmp_path / "2026-02-28/web-h-0.log.gz").read_bytes()) == b"old\n" * 200_000


def test_days_beyond_retention_are_removed_with_their_folder(tmp_path: Path) -> None:
    put(tmp_path / "2025-12-30/web-h-0.log.gz")
    put(tmp_path / "2025-12-30/executor-h-0.log")
    put(tmp_path / "2025-12-31/web-h-0.log.gz")
    tidy_up(tmp_path, retention_days=60)
    assert files_in(tmp_path) == ["2025-12-31/web-h-0.log.gz"]
    assert not (tmp_path / "2025-12-30").exists()


@pytest.mark.parametrize(
    "name",
    [
        "2020-01-01/notes.log",
        "2020-01-01/123.log",
        "2020-01-01/web-h-0.log.bak",
        "2020-01-01/web-h-0.txt",
        "2020-01-01/deep/web-h-0.log",
        "2020-01-01/other-h-0.log",
        "2020-13-01/web-h-0.log",
        "2020-1-1/web-h-0.log",
        "backup/web-h-0.log",
        "x2020-01-01/web-h-0.log",
        "web-h-0.log",
        "2999-01-01/web-h-0.log",
    ],
)
def test_what_is_not_ours_is_left_alone(tmp_path: Path, name: str) -> None:
    put(tmp_path / name)
    put(tmp_path / "2020-01-01/web-ours-0.log")
    tidy_up(tmp_path, retention_days=1)
    assert files_in(tmp_path) == [name]


def test_links_are_not_followed(tmp_path: Path) -> None:
    put(tmp_path / "elsewhere/web-h-0.log")
    log = tmp_path / "log"
    log.mkdir()
    (log / "2020-01-01").symlink_to(tmp_path / "elsewhere")
    (log / "2020-01-02").mkdir()
    (log / "2020-01-02/web-h-0.log").symlink_to(tmp_path / "elsewhere/web-h-0.log")
    tidy_up(log, retention_days=1)
    assert (tmp_path / "elsewhere/web-h-0.log").exists()
    assert (log / "2020-01-02/web-h-0.log").is_symlink()


def test_a_file_that_another_process_may_still_write_waits(tmp_path: Path) -> None:
    put(tmp_path / "2026-02-28/web-h-0.log")
    tidy_up(tmp_path, settled_seconds=60)
    assert files_in(tmp_path) == ["2026-02-28/web-h-0.log"]


def test_lines_that_came_after_the_compression_are_added_to_it(tmp_path: Path) -> None:
    path = put(tmp_path / "2026-02-28/web-h-0.log", "one\n")
    tidy_up(tmp_path)
    path.write_text("two\n")
    tidy_up(tmp_path)
    assert files_in(tmp_path) == ["2026-02-28/web-h-0.log.gz"]
    assert gzip.decompress((tmp_path / "2026-02-28/web-h-0.log.gz").read_bytes()) == b"one\ntwo\n"


def test_two_processes_do_not_compress_the_same_file(tmp_path: Path) -> None:
    put(tmp_path / "2026-02-28/web-h-0.log")
    put(tmp_path / "2026-02-28/web-h-0.log.gz.part")
    tidy_up(tmp_path)
    assert files_in(tmp_path) == ["2026-02-28/web-h-0.log", "2026-02-28/web-h-0.log.gz.part"]


def test_what_a_dead_process_left_half_done_is_done_again(tmp_path: Path) -> None:
    put(tmp_path / "2026-02-28/web-h-0.log")
    part = put(tmp_path / "2026-02-28/web-h-0.log.gz.part")
    os.utime(part, (time.time() - 7200,) * 2)
    tidy_up(tmp_path)
    tidy_up(tmp_path)
    assert files_in(tmp_path) == ["2026-02-28/web-h-0.log.gz"]


def test_a_compression_that_is_given_up_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    put(tmp_path / "2026-02-28/web-h-0.log", "x" * 1_000_000)
    housekeeping = Housekeeping(tmp_path, lambda: TODAY, 60, settled_seconds=0)
    assert housekeeping.step()
    assert "2026-02-28/web-h-0.log.gz.part" in files_in(tmp_path)
    housekeeping.close()
    assert files_in(tmp_path) == ["2026-02-28/web-h-0.log"]


def test_a_folder_that_is_not_there_is_no_trouble(tmp_path: Path) -> None:
    tidy_up(tmp_path / "absent", retention_days=10**9)
    assert files_in(tmp_path) == []


def test_housekeeping_runs_at_start_and_again_when_the_date_changes(tmp_path: Path) -> None:
    days = [date(2026, 2, 28)]
    housekeeping = Housekeeping(tmp_path, lambda: days[-1], 60, settled_seconds=0)
    path = put(tmp_path / "2026-02-28/web-h-0.log")
    while housekeeping.step():
        continue
    assert path.exists()
    days.append(TODAY)
    while housekeeping.step():
        continue
    assert files_in(tmp_path) == ["2026-02-28/web-h-0.log.gz"]
    assert not housekeeping.step()
