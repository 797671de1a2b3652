"""Long logs as the console's page pulls them, by the rules of its script: every line exactly once."""

import itertools
import os
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.jobs.record import RunRecord, RunState
from app.xxl_job.executor.job_logs import JobLogs
from app.xxl_job.executor.log_page import FINISHED_PAGE_BYTES, RUNNING_PAGE_BYTES, LogPage
from app.xxl_job.executor.log_upkeep import pack
from app.xxl_job.executor.protocol import LogQuery
from app.xxl_job.executor.run_log_file import RunLogFile

NOON = 1_735_732_800_000
LONG = pytest.mark.parametrize("count", [50_000, pytest.param(1_000_000, marks=pytest.mark.soak)])
WRITER = """
import sys
from pathlib import Path
from app.xxl_job.executor.day_folder import DayFolder
from app.xxl_job.executor.run_log_file import RunLogFile
file = RunLogFile(DayFolder(Path(sys.argv[1])), 7, 1000)
"""


def line(number: int) -> str:
    return f"2026-01-01 00:00:00.000 | INFO | app.jobs.orders:{number % 100} | order handled number={number}"


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[JobLogs]:
    logs = JobLogs(tmp_path / "xxl_log")
    yield logs
    logs.close()


def opened(logs: JobLogs, log_id: int = 7) -> RunLogFile:
    return logs.open(
        RunRecord("r", "xxl-job", "c", log_id, NOON, 4, "noop", "", 0, 1, 1, "executor-a-0", "t", RunState.RUNNING)
    )


def written(logs: JobLogs, count: int) -> RunLogFile:
    file = opened(logs)
    for number in range(1, count + 1):
        file.write(line(number))
    file.close()
    return file


class ConsolePage:
    """The script of the console's log page."""

    def __init__(self, pull: Callable[[int], LogPage]) -> None:
        self._pull = pull
        self._from_line = 1
        self.shown: list[str] = []

    def poll(self) -> bool:
        """One pull; whether the page says that the log is finished."""
        page = self._pull(self._from_line)
        assert page.from_line == self._from_line
        if self._from_line > page.to_line:
            return page.is_end
        self._from_line = page.to_line + 1
        self.shown += page.content.split("\n")[:-1]
        return False


@LONG
def test_a_running_runs_lines_are_each_shown_once_while_another_thread_writes(logs: JobLogs, count: int) -> None:
    file, is_over = opened(logs), threading.Event()

    def write() -> None:
        for number in range(1, count + 1):
            file.write(line(number))
        file.close()
        is_over.set()

    def pull(from_line: int) -> LogPage:
        finished = is_over.is_set()
        limit = FINISHED_PAGE_BYTES if finished else RUNNING_PAGE_BYTES
        return logs.read(LogQuery(7, NOON, from_line), finished=finished, limit_bytes=limit)

    writer, page = threading.Thread(target=write), ConsolePage(pull)
    writer.start()
    deadline = time.monotonic() + 100
    while not page.poll():
        assert time.monotonic() < deadline
    writer.join()
    assert page.shown == [line(number) for number in range(1, count + 1)]


@LONG
@pytest.mark.parametrize("packed", [False, True])
def test_a_finished_runs_first_page_is_whole_or_says_what_is_missing(logs: JobLogs, count: int, packed: bool) -> None:
    file = written(logs, count)
    if packed and file.path is not None:
        list(pack(file.path))
    query = LogQuery(7, NOON, 1)
    page = logs.read(query, finished=True, limit_bytes=FINISHED_PAGE_BYTES)
    shown = page.content.split("\n")[:-1]
    if page.to_line < count:
        assert shown.pop().startswith(f"... {count - page.to_line} more lines: python -m app job log 7, or ")
        assert len(page.content) > FINISHED_PAGE_BYTES - 200
    assert shown == [line(number) for number in range(1, page.to_line + 1)]


@LONG
@pytest.mark.parametrize("packed", [False, True])
def test_who_asks_on_sees_every_line_of_a_finished_run_once(logs: JobLogs, count: int, packed: bool) -> None:
    file = written(logs, count)
    if packed and file.path is not None:
        list(pack(file.path))
    page = ConsolePage(lambda start: logs.read(LogQuery(7, NOON, start), finished=start > 1, limit_bytes=300_000))
    while not page.poll():
        pass
    assert page.shown == [line(number) for number in range(1, count + 1)]


@LONG
@pytest.mark.parametrize("state", ["known", "after a restart", "compressed"])
def test_the_last_page_costs_what_the_first_costs(logs: JobLogs, tmp_path: Path, count: int, state: str) -> None:
    file = written(logs, count)
    if state == "compressed" and file.path is not None:
        list(pack(file.path))
    kept = itertools.repeat(logs)
    logs.read(LogQuery(7, NOON, 1), finished=True, limit_bytes=1000)
    if state == "after a restart":
        kept = iter(lambda: JobLogs(tmp_path / "xxl_log"), None)

    def milliseconds(from_line: int) -> float:
        began = time.perf_counter()
        page = next(kept).read(LogQuery(7, NOON, from_line), finished=True, limit_bytes=10_000)
        assert page.from_line == from_line
        assert page.to_line >= from_line + 90
        return (time.perf_counter() - began) * 1000

    pairs = [(milliseconds(1), milliseconds(count - 99)) for _ in range(21)]
    first, last = (statistics.median(sample) for sample in zip(*pairs, strict=True))
    assert last <= 5
    assert last <= max(2 * first, 1)


def test_what_a_killed_process_wrote_last_is_in_its_log(logs: JobLogs, tmp_path: Path) -> None:
    endless = WRITER + "import itertools\nfor n in itertools.count(1):\n  file.write(f'{n}')\n  print(n, flush=True)\n"
    folder = tmp_path / "xxl_log" / "2025-01-01"
    with subprocess.Popen([sys.executable, "-c", endless, str(folder)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        said = [next(child.stdout) for _ in range(500)]
        child.send_signal(signal.SIGKILL)
        said += child.stdout.readlines()

    page = logs.read(LogQuery(7, NOON, 1), finished=True, limit_bytes=FINISHED_PAGE_BYTES)
    last = int([text for text in said if text.endswith("\n")][-1])
    assert page.to_line in (last, last + 1)
    assert page.content.splitlines() == [str(number) for number in range(1, page.to_line + 1)]


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
def test_a_disk_that_takes_no_more_is_said_and_the_run_goes_on(tmp_path: Path) -> None:
    limited = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))\n"
        + WRITER
        + "for n in range(3000): file.write('x' * 99)\n"
        + "print(file.failure); file.close()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", limited, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    assert ended.stdout == "file too large\n"
    assert (tmp_path / "7.log").stat().st_size == 100_000


def test_a_log_that_is_compressed_while_it_is_read_loses_no_line(logs: JobLogs) -> None:
    file = written(logs, 20_000)
    assert file.path is not None
    packing = threading.Thread(target=lambda path: list(pack(path)), args=(file.path,))
    page = ConsolePage(lambda start: logs.read(LogQuery(7, NOON, start), finished=start > 1, limit_bytes=20_000))
    packing.start()
    while not page.poll():
        pass
    packing.join()
    assert page.shown == [line(number) for number in range(1, 20_001)]
    assert not file.path.exists()


def test_a_folder_that_is_removed_while_lines_are_written_costs_none_of_the_last_ones(tmp_path: Path) -> None:
    for number in range(30):
        root = tmp_path / str(number)
        logs = JobLogs(root)
        file, begun = opened(logs), threading.Event()

        def write(file: RunLogFile = file, begun: threading.Event = begun) -> None:
            for count in range(200):
                file.write(line(count))
                begun.set()
            time.sleep(0.01)
            file.write("the last line")
            file.close()

        writer = threading.Thread(target=write)
        writer.start()
        begun.wait(10)
        shutil.rmtree(root, ignore_errors=True)
        writer.join()
        page = logs.read(LogQuery(7, NOON, 1), finished=True, limit_bytes=FINISHED_PAGE_BYTES)
        assert page.content.endswith("the last line\n")
        assert file.failure is None
        logs.close()


def test_a_thousand_runs_that_write_at_once_hold_a_bounded_number_of_handles(tmp_path: Path) -> None:
    logs = JobLogs(tmp_path, most_open=64)
    before = len(list(Path("/dev/fd").iterdir()))
    files = [opened(logs, log_id) for log_id in range(1000)]
    most = 0

    def write(some: list[RunLogFile]) -> None:
        nonlocal most
        for turn in range(3):
            for file in some:
                file.write(f"turn {turn}")
            most = max(most, len(list(Path("/dev/fd").iterdir())))

    threads = [threading.Thread(target=write, args=(files[start::4],)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for file in files:
        file.close()
    logs.close()

    assert most - before <= 64 + 4 + 8
    assert {path.read_text() for path in tmp_path.glob("*/*.log")} == {"turn 0\nturn 1\nturn 2\n"}
    assert len(list(Path("/dev/fd").iterdir())) == before
