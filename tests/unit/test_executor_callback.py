"""What the console is told of a run, within its limits."""

import datetime
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.jobs.record import RunState
from app.jobs.result import failed, succeeded
from app.xxl_job.executor.callback import LONGEST_MESSAGE, build_callback, cut
from app.xxl_job.executor.dialect import Dialect, encode_callbacks
from support.jobs_support import build_record

DONE = build_record(7, state=RunState.DONE, code=200, message="ok")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("short", "short"),
        ("x" * 11, "x" * 10),
        ("你" * 11, "你" * 10),
        ("😀" * 6, "😀" * 5),
        ("x" + "😀" * 6, "x" + "😀" * 4),
        ("a\ud800b", "a?b"),
        ("", ""),
    ],
)
def test_a_message_is_cut_as_java_counts_and_never_within_a_character(text: str, expected: str) -> None:
    assert cut(text, 10) == expected


@settings(max_examples=50)
@given(st.text(st.characters(codec=None), max_size=40), st.integers(1, 30))
def test_a_cut_text_fits_and_can_be_sent(text: str, longest: int) -> None:
    assert len(cut(text, longest).encode("utf-16-le")) <= longest * 2


def test_a_callback_says_what_the_record_says() -> None:
    callback = build_callback(DONE)
    assert (callback.run_id, callback.log_id, callback.log_date_time) == ("run-7", 7, 1_795_359_934_946)
    assert (callback.code, callback.message) == (200, "ok")


def test_an_outcome_without_a_code_is_a_failure() -> None:
    assert build_callback(replace(DONE, code=None)).code == 500


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        ({"rows": 3}, '{"rows": 3}'),
        ([datetime.date(2026, 11, 22)], '["2026-11-22"]'),
        (b"\xff\x00raw", "b'\\xff\\x00raw'"),
        ("\ud83d lone", "? lone"),
        (3.5, "3.5"),
    ],
)
def test_a_result_of_any_type_becomes_a_text_that_can_be_sent(value: object, expected: str) -> None:
    callback = build_callback(replace(DONE, message=succeeded(value).message))
    assert callback.message == expected
    assert encode_callbacks(Dialect.CLASSIC, [callback])


@pytest.mark.parametrize("letter", ["x", "你", "😀"])
def test_a_result_of_200_000_characters_is_cut_to_what_the_console_stores(letter: str) -> None:
    callback = build_callback(replace(DONE, message=succeeded(letter * 200_000).message))
    assert len(callback.message.encode("utf-16-le")) == LONGEST_MESSAGE * 2


def test_a_value_that_cannot_be_shown_does_not_keep_the_outcome_back() -> None:
    class Sulky:
        def __str__(self) -> str:
            raise ValueError("no")

        __repr__ = __str__

    assert build_callback(replace(DONE, message=succeeded(Sulky()).message)).code == 200
    assert "RuntimeError" in build_callback(replace(DONE, message=failed(RuntimeError(Sulky())).message)).message
