"""Old logs are compressed and deleted; nothing else is, whatever happens on the way."""

import asyncio
import gzip
import os
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from app.xxl_job.executor.log_upkeep import LogUpkeep, compress, expire, pack
from app.xxl_job.executor.plain_log import PlainLog
from support.executor import until

TODAY = date(2025, 3, 31)
TEXT = "a line that comes again and again\n" * 1000
HOUR_AGO_NS = 1_700_000_000 * 10**9


def made(path: Path, text: str = TEXT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, ns=(HOUR_AGO_NS, HOUR_AGO_NS))
    return path


def nothing(_path: Path) -> bool:
    return False


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_days_before_the_last_ones_are_compressed(tmp_path: Path) -> None:
    for day in ("2025-03-28", "2025-03-29", "2025-03-30", "2025-03-31"):
        made(tmp_path / day / "7.log")
    made(tmp_path / "2025-03-28" / "7.2.log")
    list(compress(tmp_path, TODAY, 1, nothing, {}))

    assert files(tmp_path) == [
        "2025-03-28/7.2.log.gz",
        "2025-03-28/7.log.gz",
        "2025-03-29/7.log.gz",
        "2025-03-30/7.log",
        "2025-03-31/7.log",
    ]
    assert gzip.decompress((tmp_path / "2025-03-28" / "7.log.gz").read_bytes()).decode() == TEXT


def test_0_days_compress_nothing(tmp_path: Path) -> None:
    made(tmp_path / "2020-01-01" / "7.log")
    assert list(compress(tmp_path, TODAY, 0, nothing, {})) == []


def test_logs_in_use_fresh_ones_small_ones_and_strange_files_stay(tmp_path: Path) -> None:
    day = tmp_path / "2025-03-01"
    used = made(day / "1.log")
    made(day / "2.log", "small\n")
    made(day / "notes.log")
    (day / "3.log").write_text(TEXT)
    before = files(tmp_path)
    list(compress(tmp_path, TODAY, 1, lambda path: path == used, {}))
    assert files(tmp_path) == before


def test_the_sidecar_goes_with_its_log(tmp_path: Path) -> None:
    path = made(tmp_path / "2025-03-01" / "7.log", "x" * 99 + "\n" + TEXT * 40)
    PlainLog(path).page(1, finished=True, limit_bytes=100)
    assert files(tmp_path) == ["2025-03-01/7.log", "2025-03-01/7.log.idx"]
    list(compress(tmp_path, TODAY, 1, nothing, {}))
    assert files(tmp_path) == ["2025-03-01/7.log.gz"]


def test_a_compression_that_is_given_up_leaves_the_log_as_it_was(tmp_path: Path) -> None:
    made(tmp_path / "2025-03-01" / "7.log", TEXT * 100)
    steps = compress(tmp_path, TODAY, 1, nothing, {})
    next(steps)
    steps.close()
    assert files(tmp_path) == ["2025-03-01/7.log"]


def test_killed_between_compressing_and_deleting_no_line_is_kept_twice(tmp_path: Path) -> None:
    path = made(tmp_path / "2025-03-01" / "7.log")
    list(compress(tmp_path, TODAY, 1, nothing, {}))
    made(path)
    list(compress(tmp_path, TODAY, 1, nothing, {}))

    assert files(tmp_path) == ["2025-03-01/7.log.gz"]
    assert gzip.decompress((path.parent / "7.log.gz").read_bytes()).decode() == TEXT


def test_lines_of_a_run_that_was_resumed_later_follow_the_compressed_ones(tmp_path: Path) -> None:
    path = made(tmp_path / "2025-03-01" / "7.log")
    list(compress(tmp_path, TODAY, 1, nothing, {}))
    made(path, "resumed\n" * 1000)
    os.utime(path, ns=(HOUR_AGO_NS + 1, HOUR_AGO_NS + 1))
    list(compress(tmp_path, TODAY, 1, nothing, {}))
    assert gzip.decompress((path.parent / "7.log.gz").read_bytes()).decode() == TEXT + "resumed\n" * 1000


def test_what_a_killed_compression_left_is_removed_and_done_again(tmp_path: Path) -> None:
    path = made(tmp_path / "2025-03-01" / "7.log")
    made(path.parent / "7.log.gz.part", "half a member")
    for _ in range(2):
        list(compress(tmp_path, TODAY, 1, nothing, {}))
    assert files(tmp_path) == ["2025-03-01/7.log.gz"]


def test_a_log_that_is_written_to_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    path = made(tmp_path / "2025-03-01" / "7.log")
    for _ in pack(path):
        with path.open("a") as file:
            file.write("more\n")
    assert files(tmp_path) == ["2025-03-01/7.log"]


def test_retention_deletes_whole_days_and_nothing_that_is_not_a_log(tmp_path: Path) -> None:
    kept = ["2025-02-01/notes.txt", "2025-03-02/2.log", "2020-13-99x/3.log", "keep/4.log"]
    gone = ["2019-01-01/1.log", "2019-01-01/1.2.log.gz", "2019-01-01/5.log.idx", "2019-01-01/6.log.gz.part"]
    for name in (*kept, *gone, "2019-01-01/runs.index", "2025-02-01/8.log"):
        made(tmp_path / name)

    assert len(list(expire(tmp_path, TODAY, 30, nothing))) == 3
    assert files(tmp_path) == sorted(kept)
    assert not (tmp_path / "2019-01-01").exists()


def test_retention_leaves_a_log_that_a_run_still_writes(tmp_path: Path) -> None:
    used = made(tmp_path / "1970-01-01" / "7.log")
    assert list(expire(tmp_path, TODAY, 30, lambda path: path == used)) == []
    assert files(tmp_path) == ["1970-01-01/7.log"]


def test_a_day_with_nothing_left_to_compress_is_looked_at_once(tmp_path: Path) -> None:
    day, done = made(tmp_path / "2025-03-01" / "7.log").parent, dict[Path, int]()
    made(day / "8.log", "small\n")
    for _ in range(2):
        assert list(compress(tmp_path, TODAY, 1, nothing, done))[-1] == day
    assert list(compress(tmp_path, TODAY, 1, nothing, done)) == []

    made(day / "9.log")
    list(compress(tmp_path, TODAY, 1, nothing, done))
    assert files(tmp_path) == ["2025-03-01/7.log.gz", "2025-03-01/8.log", "2025-03-01/9.log.gz"]


def test_a_linked_folder_is_not_followed(tmp_path: Path) -> None:
    made(tmp_path / "elsewhere" / "7.log")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "2019-01-01").symlink_to(tmp_path / "elsewhere")
    assert list(expire(tmp_path / "root", TODAY, 30, nothing)) == []
    assert (tmp_path / "elsewhere" / "7.log").exists()


@pytest.mark.parametrize("days", [1, 10**9])
def test_a_folder_that_is_not_there_has_nothing_to_tidy(tmp_path: Path, days: int) -> None:
    root = tmp_path / "none"
    assert [*expire(root, TODAY, days, nothing), *compress(root, TODAY, days, nothing, {})] == []


async def test_upkeep_runs_in_a_thread_of_its_own_and_ends_between_two_steps() -> None:
    threads: list[str] = []

    def endless() -> Iterator[None]:
        while True:
            threads.append(threading.current_thread().name)
            yield

    task = asyncio.create_task(LogUpkeep(endless).run())
    await until(lambda: threads)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert set(threads) == {"job-log-upkeep"}
    assert "job-log-upkeep" not in {thread.name for thread in threading.enumerate() if thread.is_alive()}


async def test_upkeep_that_fails_is_said_and_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.xxl_job.executor.log_upkeep.PASS_SECONDS", 0.0)
    passes: list[int] = []

    def failing() -> Iterator[None]:
        passes.append(1)
        raise OSError("no such disk")

    task = asyncio.create_task(LogUpkeep(failing).run())
    await until(lambda: len(passes) > 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
