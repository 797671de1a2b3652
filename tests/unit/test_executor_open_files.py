"""However many runs write, the number of handles is bounded."""

from pathlib import Path

from app.xxl_job.executor.day_folder import DayFolder
from app.xxl_job.executor.open_files import OpenFiles
from app.xxl_job.executor.run_log_file import RunLogFile


class Busy:
    """Something that is being written just now."""

    last_used = 0.0

    def release_if_free(self) -> bool:
        return False


def test_a_hundred_logs_in_turns_hold_few_handles_and_lose_no_line(tmp_path: Path) -> None:
    handles, folder = OpenFiles(10), DayFolder(tmp_path)
    files = [RunLogFile(folder, number, 1000, files=handles) for number in range(100)]
    most = 0
    for turn in range(3):
        for file in files:
            file.write(f"turn {turn}")
            most = max(most, len(handles))
    for file in files:
        file.close()

    assert most <= 10
    assert len(handles) == 0
    assert {(tmp_path / f"{number}.log").read_text() for number in range(100)} == {"turn 0\nturn 1\nturn 2\n"}


def test_the_least_recently_written_are_closed_first(tmp_path: Path) -> None:
    handles, folder = OpenFiles(4), DayFolder(tmp_path)
    files = [RunLogFile(folder, number, 1000, files=handles) for number in range(5)]
    for number in (0, 1, 2, 3, 0, 4):
        files[number].write("line")

    assert files[0] in handles._holders
    assert files[1] not in handles._holders
    for file in files:
        file.close()


def test_one_that_is_being_written_keeps_its_handle() -> None:
    handles, busy = OpenFiles(1), [Busy(), Busy(), Busy()]
    for holder in busy:
        handles.add(holder)
    assert len(handles) == 3
