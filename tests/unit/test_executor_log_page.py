"""The cursor rules of the console's log view."""

import json

import pytest

from app.xxl_job.executor.line_index import LineIndex
from app.xxl_job.executor.log_page import LONGEST_LINE_BYTES, LogPage, PageSource, empty_page, note_page, read_page


def source(text: bytes, gone: int = 0) -> PageSource:
    index = LineIndex()
    index.extend(text)
    return PageSource(index, lambda offset, length: text[offset : offset + length], "the file 2025-01-01/7.log", gone)


def test_an_empty_page_ends_before_it_begins() -> None:
    assert empty_page(5, is_end=False) == LogPage(5, 4, "", is_end=False)


@pytest.mark.parametrize(("from_line", "page"), [(1, LogPage(1, 1, "none\n", True)), (2, LogPage(2, 1, "", True))])
def test_a_note_is_shown_once(from_line: int, page: LogPage) -> None:
    assert note_page(from_line, "none") == page


@pytest.mark.parametrize(("finished", "is_end"), [(True, True), (False, False)])
def test_the_end_is_said_only_of_a_finished_run(finished: bool, is_end: bool) -> None:
    page = read_page(source(b"one\ntwo\nthree\n"), 2, finished=finished, limit_bytes=100)
    assert page == LogPage(2, 3, "two\nthree\n", is_end)


def test_a_page_holds_whole_lines_only() -> None:
    assert read_page(source(b"one\ntwo\nthree\n"), 1, finished=False, limit_bytes=9).content == "one\ntwo\n"


def test_half_a_line_of_a_running_run_is_not_shown_before_it_is_whole() -> None:
    torn = source(b"one\ntwo\nthr")
    assert read_page(torn, 1, finished=False, limit_bytes=100) == LogPage(1, 2, "one\ntwo\n", is_end=False)
    assert read_page(torn, 3, finished=False, limit_bytes=100) == empty_page(3, is_end=False)


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_half_a_line_at_the_end_of_a_finished_run_is_its_last(limit: int) -> None:
    torn = source(b"one\ntwo\nthr")
    assert read_page(torn, 3, finished=True, limit_bytes=limit) == LogPage(3, 3, "thr\n", is_end=True)
    assert read_page(torn, 4, finished=True, limit_bytes=limit) == empty_page(4, is_end=True)


def test_a_line_longer_than_a_page_is_a_page() -> None:
    long = source(b"a\n" + b"x" * 5000 + b"\nb\n")
    assert read_page(long, 2, finished=False, limit_bytes=100) == LogPage(2, 2, "x" * 5000 + "\n", is_end=False)


def test_a_line_beyond_all_bounds_is_cut_and_counts_once() -> None:
    endless = source(b"x" * (LONGEST_LINE_BYTES + 1) + b"\nb\n")
    page = read_page(endless, 1, finished=False, limit_bytes=100)
    assert (page.to_line, page.content[-20:]) == (1, "xxxx ... (line cut)\n")
    assert read_page(endless, 2, finished=False, limit_bytes=100).content == "b\n"


@pytest.mark.parametrize("strange", ["a\rb", "a\x0bb", "a\u2028b", "a\x85b", "a\x1cb", "a\r", ""])
def test_only_a_newline_ends_a_line(strange: str) -> None:
    page = read_page(source(f"{strange}\nnext\n".encode()), 2, finished=False, limit_bytes=100)
    assert page == LogPage(2, 2, "next\n", is_end=False)


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert read_page(source(b"\xff\xfe\n"), 1, finished=True, limit_bytes=100).content == "��\n"


def test_the_first_page_of_a_finished_run_says_where_the_rest_is() -> None:
    page = read_page(source(b"0123456789\n" * 100), 1, finished=True, limit_bytes=110)
    assert (page.to_line, page.is_end) == (10, False)
    assert page.content.endswith("0123456789\n... 90 more lines: the file 2025-01-01/7.log\n")


def test_a_console_that_asks_on_is_told_no_more_than_the_lines() -> None:
    page = read_page(source(b"0123456789\n" * 100), 11, finished=True, limit_bytes=110)
    assert page == LogPage(11, 20, "0123456789\n" * 10, is_end=False)


def test_numbers_go_on_after_lines_that_are_gone() -> None:
    rest = source(b"earlier lines are gone\nnext\n", gone=7)
    assert read_page(rest, 8, finished=False, limit_bytes=100).to_line == 9
    assert read_page(rest, 9, finished=False, limit_bytes=100) == LogPage(9, 9, "next\n", is_end=False)
    assert read_page(rest, 1, finished=False, limit_bytes=100).to_line == 9
    assert read_page(rest, 10, finished=False, limit_bytes=100) == empty_page(10, is_end=False)


def test_the_page_as_the_console_reads_it() -> None:
    assert LogPage(1, 2, "a\nb\n", is_end=True).as_json() == {
        "fromLineNum": 1,
        "toLineNum": 2,
        "logContent": "a\nb\n",
        "isEnd": True,
    }


def test_the_answer_has_the_page_under_both_names_and_no_escapes_that_swell_it() -> None:
    page = LogPage(1, 1, '订单 "7"\n', is_end=True)
    assert json.loads(page.as_answer()) == {"code": 200, "msg": None, "content": page.as_json(), "data": page.as_json()}
    assert "订单".encode() in page.as_answer()
