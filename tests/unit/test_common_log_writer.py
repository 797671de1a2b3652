"""The writer thread: nothing is lost but what a full queue refuses, and that is counted."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.common.log_console import Console
from app.common.log_file import DailyFile
from app.common.log_outlet import Outlet
from app.common.log_retention import Housekeeping
from app.common.log_writer import LineWriter

Make = Callable[..., LineWriter]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[LineWriter] = []

    def build(**options: object) -> LineWriter:
        file = DailyFile(tmp_path, "web-h-0")
        outlet = Outlet(file, Console(), lambda message, fields: f"{message} {fields}\n", console_enabled=False)
        made.append(LineWriter(outlet, Housekeeping(tmp_path, file.today, 60), **options))  # type: ignore[arg-type]
        return made[-1]

    yield build
    for writer in made:
        if writer._thread.ident is not None:
            writer.close()


def written(folder: Path) -> list[str]:
    return [line for path in folder.rglob("*.log") for line in path.read_text().splitlines()]


def test_lines_of_many_threads_all_arrive_each_threads_in_order(make: Make, tmp_path: Path) -> None:
    writer = make()
    writer.start()

    def put(name: str) -> None:
        for number in range(500):
            writer.put(f"{name} {number}\n")

    threads = [threading.Thread(target=put, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    lines = written(tmp_path)
    assert len(lines) == 2000
    for name in "abcd":
        assert [line for line in lines if line[0] == name] == [f"{name} {number}" for number in range(500)]


def test_a_line_is_in_the_file_within_a_tenth_of_a_second_without_being_asked_for(make: Make, tmp_path: Path) -> None:
    writer = make()
    writer.start()
    assert writer.flush()
    delays = []
    for number in range(5):
        start = time.monotonic()
        writer.put(f"{number}\n")
        while len(written(tmp_path)) <= number:
            assert time.monotonic() < start + 5
        delays.append(time.monotonic() - start)
    assert min(delays) < 0.1


def test_flush_waits_for_what_was_put_before(make: Make, tmp_path: Path) -> None:
    writer = make(flush_seconds=30)
    writer.start()
    writer.put("one\n")
    assert writer.flush()
    assert written(tmp_path) == ["one"]


def test_flush_of_a_writer_that_is_stuck_says_so(make: Make) -> None:
    assert not make().flush(timeout_seconds=0.01)


def test_a_full_queue_drops_counts_and_tells_once_when_it_is_over(make: Make, tmp_path: Path) -> None:
    writer = make(capacity=3)
    for number in range(10):
        writer.put(f"{number}\n")
    assert writer.lines_dropped == 7
    writer.start()
    deadline = time.monotonic() + 5
    while "log lines dropped {'lines': 7}" not in written(tmp_path):
        assert time.monotonic() < deadline
    writer.put("after\n")
    writer.close()
    assert written(tmp_path) == ["0", "1", "2", "log lines dropped {'lines': 7}", "after"]


def test_a_burst_does_not_wait_for_the_interval(make: Make, tmp_path: Path) -> None:
    writer = make(capacity=100, flush_seconds=30)
    writer.start()
    for number in range(51):
        writer.put(f"{number}\n")
    deadline = time.monotonic() + 5
    while len(written(tmp_path)) < 51:
        assert time.monotonic() < deadline
    assert writer.lines_dropped == 0


def test_a_line_after_the_end_is_still_written(make: Make, tmp_path: Path) -> None:
    writer = make()
    writer.start()
    writer.close()
    writer.put("late\n")
    assert writer.flush()
    assert written(tmp_path) == ["late"]


def test_closing_twice_is_closing_once(make: Make) -> None:
    writer = make()
    writer.start()
    writer.close()
    writer.close()
    assert not writer._thread.is_alive()


def test_lines_are_written_while_a_big_file_is_compressed(make: Make, tmp_path: Path) -> None:
    old = tmp_path / "2020-01-01/web-h-0.log"
    old.parent.mkdir()
    old.write_bytes(os.urandom(100_000) * 100)
    os.utime(old, (0, 0))
    file = DailyFile(tmp_path, "web-h-0")
    outlet = Outlet(file, Console(), lambda message, fields: message, console_enabled=False)
    writer = LineWriter(outlet, Housekeeping(tmp_path, file.today, 100_000))
    writer.start()
    deadline = time.monotonic() + 5
    while not (part := old.with_name("web-h-0.log.gz.part")).exists():
        assert time.monotonic() < deadline
    writer.put("meanwhile\n")
    assert writer.flush()
    assert part.exists()
    writer.close()
    assert old.exists()
    assert not part.exists()
    assert (tmp_path / file.today().isoformat() / "web-h-0.log").read_text() == "meanwhile\n"


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_writes_its_own_lines_and_not_its_parents(make: Make, tmp_path: Path) -> None:
    writer = make(flush_seconds=30)
    writer.start()
    writer.put("of the parent\n")
    child = os.fork()
    if child == 0:
        writer.put("of the child\n")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert written(tmp_path) == ["of the child"]
    writer.close()
    assert written(tmp_path) == ["of the child", "of the parent"]
