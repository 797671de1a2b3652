"""Under load the first moments of job logs are written by one thread, and nothing is lost or told wrongly."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.common.context import NO_TRACE, bound, get_trace_id
from app.jobs.threads import context_follows_threads
from app.xxl_job.executor.day_folder import DayFolder
from app.xxl_job.executor.log_shelf import HELD_SECONDS, LogShelf
from app.xxl_job.executor.run_log_file import RunLogFile


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shelf(clock: Clock) -> Iterator[LogShelf]:
    shelf = LogShelf(clock)
    yield shelf
    shelf.close()


@pytest.fixture
def open_log(tmp_path: Path, shelf: LogShelf) -> Iterator[Callable[[int], RunLogFile]]:
    folder = DayFolder(tmp_path / "2026-11-22")
    yield lambda log_id: RunLogFile(folder, log_id, 1_795_359_934_946, shelf=shelf)
    folder.close()


def make_brisk(shelf: LogShelf, clock: Clock) -> None:
    """Many logs are opened, and the folder is known to be well."""
    for _ in range(50):
        clock.now += 0.001
        shelf.may_hold()
    shelf.report(None)


def text_of(folder: Path, log_id: int) -> str:
    found = folder / "2026-11-22" / f"{log_id}.log"
    return found.read_text() if found.exists() else ""


def test_at_rest_nothing_is_held(clock: Clock, shelf: LogShelf) -> None:
    shelf.report(None)
    for _ in range(10):
        clock.now += 1
        assert not shelf.may_hold()


def test_under_load_logs_are_held(clock: Clock, shelf: LogShelf) -> None:
    make_brisk(shelf, clock)
    assert shelf.may_hold()


def test_a_folder_that_failed_or_was_not_seen_lately_is_written_at_once(clock: Clock, shelf: LogShelf) -> None:
    make_brisk(shelf, clock)
    shelf.report("no space left on device")
    assert not shelf.may_hold()
    make_brisk(shelf, clock)
    clock.now += 0.05
    assert shelf.may_hold()
    clock.now += 1.1
    assert not shelf.may_hold()


def test_the_lines_of_a_short_run_are_written_together_soon_after_its_end(
    tmp_path: Path, clock: Clock, shelf: LogShelf, open_log: Callable[[int], RunLogFile]
) -> None:
    make_brisk(shelf, clock)
    file = open_log(7)
    file.write("run started")
    file.write("run finished")
    file.close()
    assert file.is_closed
    shelf.flush()
    assert text_of(tmp_path, 7) == "run started\nrun finished\n"


def test_the_shelfs_thread_writes_by_itself(
    tmp_path: Path, clock: Clock, shelf: LogShelf, open_log: Callable[[int], RunLogFile]
) -> None:
    make_brisk(shelf, clock)
    open_log(8).write("run started")
    waited = threading.Event()
    for _ in range(200):
        if text_of(tmp_path, 8):
            break
        waited.wait(HELD_SECONDS)
    assert text_of(tmp_path, 8) == "run started\n"


def test_the_shelfs_thread_belongs_to_no_run(shelf: LogShelf) -> None:
    seen: list[str] = []
    written = threading.Event()

    class Log:
        def write_held(self) -> None:
            seen.append(get_trace_id())
            written.set()

    with context_follows_threads(), bound("a-run", run=object()):
        shelf.put(Log())
    assert written.wait(5)
    assert seen == [NO_TRACE]


def test_after_its_first_moments_a_log_is_written_at_once(
    tmp_path: Path, clock: Clock, shelf: LogShelf, open_log: Callable[[int], RunLogFile]
) -> None:
    make_brisk(shelf, clock)
    file = open_log(9)
    file.write("one")
    shelf.flush()
    file.write("two")
    assert text_of(tmp_path, 9) == "one\ntwo\n"
    file.close()


def test_many_lines_are_not_held(
    tmp_path: Path, clock: Clock, shelf: LogShelf, open_log: Callable[[int], RunLogFile]
) -> None:
    make_brisk(shelf, clock)
    file = open_log(10)
    for number in range(12):
        file.write(str(number))
    assert text_of(tmp_path, 10).split() == [str(number) for number in range(12)]
    file.close()


def test_a_line_after_the_close_of_a_held_log_is_dropped(
    tmp_path: Path, clock: Clock, shelf: LogShelf, open_log: Callable[[int], RunLogFile]
) -> None:
    make_brisk(shelf, clock)
    file = open_log(11)
    file.write("run finished")
    file.close()
    file.write("late")
    file.close()
    shelf.flush()
    assert text_of(tmp_path, 11) == "run finished\n"


def test_a_line_after_the_close_of_an_empty_log_makes_no_file(
    tmp_path: Path, clock: Clock, shelf: LogShelf, open_log: Callable[[int], RunLogFile]
) -> None:
    make_brisk(shelf, clock)
    file = open_log(14)
    file.close()
    file.write("late")
    shelf.flush()
    assert text_of(tmp_path, 14) == ""


def test_closing_the_shelf_writes_what_is_held_and_holds_no_more(
    tmp_path: Path, clock: Clock, shelf: LogShelf, open_log: Callable[[int], RunLogFile]
) -> None:
    make_brisk(shelf, clock)
    file = open_log(12)
    file.write("run finished")
    file.close()
    shelf.close()
    assert text_of(tmp_path, 12) == "run finished\n"
    make_brisk(shelf, clock)
    assert not shelf.may_hold()


def test_a_failure_while_held_is_known_to_the_logs_that_follow(tmp_path: Path, clock: Clock, shelf: LogShelf) -> None:
    (tmp_path / "file").write_text("")
    make_brisk(shelf, clock)
    file = RunLogFile(DayFolder(tmp_path / "file" / "2026-11-22"), 13, 1_795_359_934_946, shelf=shelf)
    file.write("run finished")
    file.close()
    shelf.flush()
    assert file.failure
    assert not shelf.may_hold()
