"""Pages of a file that grows, vanishes, shrinks, or was left by a dead process."""

import os
from pathlib import Path

import pytest

from app.xxl_job.executor import plain_log
from app.xxl_job.executor.log_page import LogPage
from app.xxl_job.executor.plain_log import PlainLog

BIG = "".join(f"line {number:06d}\n" for number in range(100_000))


def page(log: PlainLog, from_line: int, *, finished: bool = False, limit: int = 1000) -> LogPage:
    return log.page(from_line, finished=finished, limit_bytes=limit)


def counted_bytes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    read, pread = [], os.pread

    def counting(descriptor: int, length: int, offset: int) -> bytes:
        data = pread(descriptor, length, offset)
        read.append(len(data))
        return data

    monkeypatch.setattr(plain_log.os, "pread", counting)
    return read


def test_each_page_costs_what_was_written_since(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "7.log"
    path.write_text(BIG)
    log = PlainLog(path)
    page(log, 1)
    with path.open("a") as file:
        file.write("new\n")

    read = counted_bytes(monkeypatch)
    assert page(log, 100_001) == LogPage(100_001, 100_001, "new\n", is_end=False)
    assert sum(read) < 70_000


def test_a_file_that_is_made_again_goes_on_with_the_numbers(tmp_path: Path) -> None:
    path = tmp_path / "7.log"
    path.write_text("one\ntwo\n")
    log = PlainLog(path)
    assert page(log, 1).to_line == 2
    path.unlink()
    with pytest.raises(FileNotFoundError):
        page(log, 3)

    path.write_text("gone\nthree\nfour\nfive\n")
    assert page(log, 3) == LogPage(3, 6, "gone\nthree\nfour\nfive\n", is_end=False)
    assert page(log, 7) == LogPage(7, 6, "", is_end=False)


def test_a_file_that_was_emptied_goes_on_with_the_numbers(tmp_path: Path) -> None:
    path = tmp_path / "7.log"
    path.write_text("one\ntwo\n")
    log = PlainLog(path)
    page(log, 1)
    path.write_text("x\n")
    assert page(log, 3) == LogPage(3, 3, "x\n", is_end=False)


def test_a_sidecar_spares_the_next_process_the_counting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "7.log"
    path.write_text(BIG)
    page(PlainLog(path), 1, finished=True)
    read = counted_bytes(monkeypatch)
    assert page(PlainLog(path), 100_000, finished=True).content == "line 099999\n"
    assert sum(read) < 70_000


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_damaged_sidecar_is_made_again(tmp_path: Path, damage: bytes | None) -> None:
    path, sidecar = tmp_path / "7.log", tmp_path / "7.log.idx"
    path.write_text(BIG)
    page(PlainLog(path), 1, finished=True)
    whole = sidecar.read_bytes()
    sidecar.write_bytes(whole[:-1] + b"\xff" if damage is None else damage)

    assert page(PlainLog(path), 100_000, finished=True).content == "line 099999\n"
    assert sidecar.read_bytes() == whole


def test_a_sidecar_of_an_earlier_state_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "7.log"
    path.write_text(BIG)
    page(PlainLog(path), 1, finished=True)
    path.write_text(BIG + "more\n")
    assert page(PlainLog(path), 100_001, finished=True).content == "more\n"


@pytest.mark.parametrize(("text", "finished"), [("short\n", True), (BIG, False)])
def test_small_logs_and_those_of_running_runs_have_no_sidecar(tmp_path: Path, text: str, finished: bool) -> None:
    (tmp_path / "7.log").write_text(text)
    page(PlainLog(tmp_path / "7.log"), 1, finished=finished)
    assert [path.name for path in tmp_path.iterdir()] == ["7.log"]


def test_a_sidecar_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "7.log").write_text(BIG)
    (tmp_path / "7.log.idx").mkdir()
    assert page(PlainLog(tmp_path / "7.log"), 100_000, finished=True).content == "line 099999\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["7.log", "7.log.idx"]


def test_half_a_line_of_a_dead_process_is_whole_once_the_run_is_over(tmp_path: Path) -> None:
    (tmp_path / "7.log").write_text("one\ntw")
    log = PlainLog(tmp_path / "7.log")
    assert page(log, 1, finished=False).content == "one\n"
    assert page(log, 1, finished=True) == LogPage(1, 2, "one\ntw\n", is_end=True)
