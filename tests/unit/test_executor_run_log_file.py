"""One run's log file: bounded lines, any thread, a failing disk."""

import threading
from pathlib import Path

from app.xxl_job.executor.run_log_file import LONGEST_WRITE_BYTES, RunLogFile, index_file


def test_an_endless_line_is_cut(tmp_path: Path) -> None:
    file = RunLogFile(tmp_path / "7.log")
    file.write("ü" * LONGEST_WRITE_BYTES)
    file.close()

    written = (tmp_path / "7.log").read_text()
    assert written.endswith(" ... (line cut)\n")
    assert len(written.encode()) <= LONGEST_WRITE_BYTES


def test_lines_of_several_threads_stay_whole_and_counted(tmp_path: Path) -> None:
    file = RunLogFile(tmp_path / "7.log")
    threads = [threading.Thread(target=lambda: [file.write("x" * 100) for _ in range(100)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    file.close()

    assert (tmp_path / "7.log").read_text() == ("x" * 100 + "\n") * 400
    assert (file.index.lines, file.index.size_bytes) == (400, 40_400)


def test_nothing_is_made_before_the_first_line(tmp_path: Path) -> None:
    RunLogFile(tmp_path / "day" / "7.log").close()
    assert list(tmp_path.iterdir()) == []


def test_a_closed_log_takes_nothing_more(tmp_path: Path) -> None:
    file = RunLogFile(tmp_path / "7.log")
    file.write("in time")
    file.close()
    file.write("too late")
    assert (tmp_path / "7.log").read_text() == "in time\n"


def test_a_folder_that_cannot_be_made_costs_the_lines_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "day").write_text("a file where the folder should be")
    file = RunLogFile(tmp_path / "day" / "7.log")
    file.write("lost")
    file.write("lost too")
    file.close()
    assert file.index.lines == 0


def test_a_file_that_is_not_there_has_an_empty_index(tmp_path: Path) -> None:
    assert index_file(tmp_path / "7.log").lines == 0
