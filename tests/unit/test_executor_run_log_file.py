"""One run's log file: bounded lines, any thread, a failing disk, a file that vanishes."""

import errno
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from app.xxl_job.executor import run_log_file
from app.xxl_job.executor.day_folder import DayFolder
from app.xxl_job.executor.open_files import OpenFiles
from app.xxl_job.executor.run_log_file import LONGEST_WRITE_BYTES, RunLogFile

Opened = Callable[..., RunLogFile]
GONE = "... the file was removed or emptied: earlier lines are gone, only the last ones are repeated here\n"


@pytest.fixture
def folder(tmp_path: Path) -> DayFolder:
    return DayFolder(tmp_path / "day")


@pytest.fixture
def always_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_log_file, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(run_log_file, "RETRY_SECONDS", 0.0)


def text_of(folder: DayFolder, name: str = "7.log") -> str:
    return (folder.path / name).read_text()


def test_an_endless_line_is_cut(folder: DayFolder) -> None:
    file = RunLogFile(folder, 7, 1000)
    file.write("ü" * LONGEST_WRITE_BYTES)

    assert text_of(folder).endswith(" ... (line cut)\n")
    assert len(text_of(folder).encode()) <= LONGEST_WRITE_BYTES
    file.close()


def test_a_line_is_in_the_file_as_soon_as_it_was_written(folder: DayFolder) -> None:
    file = RunLogFile(folder, 7, 1000)
    file.write("the last words")
    assert text_of(folder) == "the last words\n"
    file.close()


def test_lines_of_several_threads_stay_whole(folder: DayFolder) -> None:
    file = RunLogFile(folder, 7, 1000)
    threads = [threading.Thread(target=lambda: [file.write("x" * 100) for _ in range(100)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    file.close()

    assert text_of(folder) == ("x" * 100 + "\n") * 400


def test_nothing_is_made_before_the_first_line(tmp_path: Path, folder: DayFolder) -> None:
    file = RunLogFile(folder, 7, 1000)
    file.close()
    assert (file.path, list(tmp_path.iterdir())) == (None, [])


def test_a_closed_log_takes_nothing_more_and_holds_no_handle(folder: DayFolder) -> None:
    handles, closed = OpenFiles(), []
    file = RunLogFile(folder, 7, 1000, files=handles, on_close=closed.append)
    file.write("in time")
    file.close()
    file.close()
    file.write("too late")

    assert text_of(folder) == "in time\n"
    assert (file.is_closed, len(handles), closed) == (True, 0, [file])


def test_text_that_utf8_cannot_hold_is_replaced(folder: DayFolder) -> None:
    file = RunLogFile(folder, 7, 1000)
    file.write("a\udc80b")
    file.close()
    assert text_of(folder) == "a?b\n"


def test_a_folder_that_cannot_be_made_costs_the_lines_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "day").write_text("a file where the folder should be")
    file = RunLogFile(DayFolder(tmp_path / "day"), 7, 1000)
    file.write("lost")
    file.write("lost too")
    file.close()
    assert file.failure == "not a directory"


def test_a_log_that_was_written_has_no_failure(folder: DayFolder) -> None:
    file = RunLogFile(folder, 7, 1000)
    file.write("kept")
    file.close()
    assert file.failure is None


def test_a_full_disk_is_said_and_lines_go_on_when_there_is_room_again(
    folder: DayFolder, always_looking: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = RunLogFile(folder, 7, 1000)
    file.write("before")
    room = [3]

    def write(descriptor: int, data: bytes) -> int:
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return written(descriptor, data[: room.pop()])

    written = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", write)
        file.write("torn")
        file.write("lost")
    file.write("after")
    file.close()

    assert file.failure == "no space left on device"
    assert text_of(folder) == "before\ntor\n... lines lost here: 2 (no space left on device)\nafter\n"


@pytest.mark.parametrize("lose", [lambda path: path.unlink(), lambda path: shutil.rmtree(path.parent)])
def test_a_file_that_was_removed_is_made_again_and_says_so(
    folder: DayFolder, always_looking: None, lose: Callable[[Path], None]
) -> None:
    file = RunLogFile(folder, 7, 1000)
    file.write("before")
    lose(folder.path / "7.log")
    file.write("after")
    file.close()
    assert text_of(folder) == f"{GONE}before\nafter\n"


def test_a_file_that_was_emptied_says_so(folder: DayFolder, always_looking: None) -> None:
    file = RunLogFile(folder, 7, 1000)
    file.write("before")
    (folder.path / "7.log").write_text("")
    file.write("after")
    file.close()
    assert text_of(folder) == f"{GONE}before\nafter\n"


def test_lines_written_between_the_removal_and_the_next_look_are_written_again(folder: DayFolder) -> None:
    file = RunLogFile(folder, 7, 1000)
    file.write("before")
    (folder.path / "7.log").unlink()
    for number in range(1000):
        file.write(f"after {number} " + "x" * 100)
    file.close()
    lines = text_of(folder).splitlines()
    assert [line.split(" x")[0] for line in lines[-1000:]] == [f"after {number}" for number in range(1000)]
    assert lines[0] + "\n" == GONE


def test_a_file_removed_at_the_very_end_is_there_again_with_its_last_lines(folder: DayFolder) -> None:
    file = RunLogFile(folder, 7, 1000)
    file.write("last words")
    shutil.rmtree(folder.path)
    file.close()
    assert text_of(folder) == f"{GONE}last words\n"


def test_a_log_is_truncated_at_its_bound_with_one_line_that_says_so(folder: DayFolder, always_looking: None) -> None:
    file = RunLogFile(folder, 7, 1000, max_bytes=lambda: 1 << 20)
    for _ in range(20):
        file.write("x" * 99_999)
    file.write("short enough, but later than what is left out")
    file.close()

    lines = text_of(folder).splitlines()
    assert [len(line) for line in lines[:-1]] == [99_999] * 10
    assert lines[-1] == "... truncated: the log of a run is bounded to 1 MB (xxl-job.log_max_mb), the rest isn't kept"
    assert file.failure is None


def test_a_bound_that_is_raised_lets_a_running_run_go_on(folder: DayFolder, always_looking: None) -> None:
    bounds = [1 << 20]
    file = RunLogFile(folder, 7, 1000, max_bytes=lambda: bounds[0])
    for _ in range(6):
        file.write("x" * 199_999)
    bounds[0] = 2 << 20
    file.write("more")
    file.close()
    assert text_of(folder).count("truncated") == 1
    assert text_of(folder).endswith("isn't kept\nmore\n")


def test_a_resumed_run_goes_on_in_its_file_after_the_line_that_the_dead_process_left(folder: DayFolder) -> None:
    first = RunLogFile(folder, 7, 1000)
    first.write("first attempt")
    first.close()
    with (folder.path / "7.log").open("a") as file:
        file.write("half a li")

    second = RunLogFile(folder, 7, 1000)
    second.write("second attempt")
    second.close()
    assert text_of(folder) == "first attempt\nhalf a li\nsecond attempt\n"


def test_another_run_of_the_log_id_has_a_file_of_its_own(folder: DayFolder) -> None:
    for time, text in ((1000, "first"), (2000, "second"), (1000, "first again")):
        file = RunLogFile(folder, 7, time)
        file.write(text)
        file.close()
    assert text_of(folder) == "first\nfirst again\n"
    assert text_of(folder, "7.2.log") == "second\n"
