"""The cursor rules of the console's log view."""

from pathlib import Path

import pytest

from app.xxl_job.executor.line_index import LineIndex
from app.xxl_job.executor.log_page import LogPage, empty_page, note_page, read_page
from app.xxl_job.executor.run_log_file import index_file


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "7.log"
    path.write_text("one\ntwo\nthree\n")
    return path


def test_an_empty_page_ends_before_it_begins() -> None:
    assert empty_page(5, is_end=False) == LogPage(5, 4, "", is_end=False)


@pytest.mark.parametrize(("from_line", "page"), [(1, LogPage(1, 1, "none\n", True)), (2, LogPage(2, 1, "", True))])
def test_a_note_is_shown_once(from_line: int, page: LogPage) -> None:
    assert note_page(from_line, "none") == page


@pytest.mark.parametrize(("finished", "is_end"), [(True, True), (False, False)])
def test_the_end_is_said_only_of_a_finished_run(log: Path, finished: bool, is_end: bool) -> None:
    page = read_page(log, index_file(log), 2, finished=finished, limit_bytes=100)
    assert page == LogPage(2, 3, "two\nthree\n", is_end)


def test_a_page_holds_whole_lines_only(log: Path) -> None:
    assert read_page(log, index_file(log), 1, finished=False, limit_bytes=9).content == "one\ntwo\n"


def test_half_a_line_is_not_shown_before_it_is_whole(log: Path) -> None:
    index = index_file(log)
    with log.open("a") as file:
        file.write("fou")
    index.extend(b"fou")
    assert read_page(log, index, 1, finished=False, limit_bytes=100).to_line == 3
    assert read_page(log, index, 4, finished=False, limit_bytes=100) == empty_page(4, is_end=False)


def test_bytes_that_are_no_text_are_replaced(tmp_path: Path) -> None:
    path, index = tmp_path / "7.log", LineIndex()
    path.write_bytes(b"\xff\xfe\n")
    index.extend(b"\xff\xfe\n")
    assert read_page(path, index, 1, finished=True, limit_bytes=100).content == "��\n"


def test_the_page_as_the_console_reads_it() -> None:
    assert LogPage(1, 2, "a\nb\n", is_end=True).as_json() == {
        "fromLineNum": 1,
        "toLineNum": 2,
        "logContent": "a\nb\n",
        "isEnd": True,
    }
