"""Which run each file of a day belongs to."""

import os
import shutil
from pathlib import Path

import pytest

from app.xxl_job.executor import day_folder
from app.xxl_job.executor.day_folder import RUNS_INDEX, DayFolder, Noted


def claim(folder: DayFolder, log_id: int, time: int) -> str:
    claimed = folder.claim(log_id, time)
    os.close(claimed.descriptor)
    return Path(claimed.path).name


def test_each_run_of_a_log_id_has_its_number_and_is_found_by_its_time(tmp_path: Path) -> None:
    folder = DayFolder(tmp_path / "day")
    assert [claim(folder, 7, time) for time in (5000, 9000, 13_000)] == ["7.log", "7.2.log", "7.3.log"]
    assert [folder.find(7, time) for time in (5000, 9000, 13_000, 1)] == [1, 2, 3, None]


def test_another_process_finds_the_same(tmp_path: Path) -> None:
    for time in (5000, 9000):
        claim(DayFolder(tmp_path), 7, time)
    assert [claim(DayFolder(tmp_path), 7, time) for time in (9000, 5000, 9000)] == ["7.2.log", "7.log", "7.2.log"]


def test_ids_that_begin_alike_are_kept_apart(tmp_path: Path) -> None:
    folder = DayFolder(tmp_path)
    for log_id in (7, 77, 777):
        claim(folder, log_id, 5000)
    folder.close()
    assert DayFolder(tmp_path).noted(7) == [Noted(5000, 1)]


def test_a_file_of_unknown_origin_is_shared_rather_than_hidden(tmp_path: Path) -> None:
    (tmp_path / "7.log").write_text("of an earlier version\n")
    assert claim(DayFolder(tmp_path), 7, 5000) == "7.log"
    assert claim(DayFolder(tmp_path), 7, 9000) == "7.2.log"


def test_a_numbered_file_without_a_note_is_not_written_over(tmp_path: Path) -> None:
    folder = DayFolder(tmp_path)
    claim(folder, 7, 5000)
    (tmp_path / "7.2.log").write_text("of another process")
    assert claim(folder, 7, 9000) == "7.3.log"


def test_a_run_of_a_compressed_day_does_not_mix_with_another(tmp_path: Path) -> None:
    folder = DayFolder(tmp_path)
    claim(folder, 7, 5000)
    (tmp_path / "7.log").rename(tmp_path / "7.log.gz")
    assert (claim(folder, 7, 9000), claim(folder, 7, 5000)) == ("7.2.log", "7.log")


@pytest.mark.parametrize("asked", [1_795_359_934_500, 1_795_359_934_000, 1_795_359_935_000])
def test_the_console_asks_by_a_time_that_its_database_cut_or_rounded(asked: int) -> None:
    assert Noted(1_795_359_934_500, 1).is_meant_by(asked)


@pytest.mark.parametrize("asked", [1_795_359_933_000, 1_795_359_936_000, 0])
def test_another_second_is_another_run(asked: int) -> None:
    assert not Noted(1_795_359_934_500, 1).is_meant_by(asked)


@pytest.mark.parametrize("damage", [b"", b"\n7 50", b"\0\xff\n7 x 1;\n"])
def test_a_damaged_index_is_as_good_as_none(tmp_path: Path, damage: bytes) -> None:
    folder = DayFolder(tmp_path)
    (tmp_path / RUNS_INDEX).write_bytes(damage)
    assert (folder.noted(7), claim(folder, 7, 5000)) == ([], "7.log")


@pytest.mark.parametrize("shift", range(0, 40, 3))
def test_a_note_is_found_wherever_the_pieces_of_a_long_index_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shift: int
) -> None:
    monkeypatch.setattr(day_folder, "_CHUNK_BYTES", 100)
    other = b"\n77 5000 1;" * 20
    (tmp_path / RUNS_INDEX).write_bytes(
        b"x" * shift + other + b"\n7 1795359934946 1;" + other + b"\n7 1795359999999 2;"
    )
    assert DayFolder(tmp_path).noted(7) == [Noted(1_795_359_934_946, 1), Noted(1_795_359_999_999, 2)]


def test_a_folder_that_was_removed_is_made_again_with_its_index(tmp_path: Path) -> None:
    folder = DayFolder(tmp_path / "day")
    claim(folder, 7, 5000)
    shutil.rmtree(tmp_path / "day")
    assert [claim(folder, 7, time) for time in (6000, 9000)] == ["7.log", "7.2.log"]


def test_a_thousand_runs_at_once_are_all_noted(tmp_path: Path) -> None:
    folder = DayFolder(tmp_path)
    for log_id in range(1000):
        claim(folder, log_id, 5000)
    folder.close()
    assert (tmp_path / RUNS_INDEX).read_text().split("\n")[1:] == [f"{log_id} 5000 1;" for log_id in range(1000)]


def test_an_index_that_cannot_be_written_stops_no_run(tmp_path: Path) -> None:
    (tmp_path / RUNS_INDEX).mkdir()
    assert claim(DayFolder(tmp_path), 7, 5000) == "7.log"
