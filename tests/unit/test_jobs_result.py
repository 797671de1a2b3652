"""How a run ended, as text and code."""

import asyncio
from typing import Any

import pytest

from app.common.errors import ValidationError
from app.jobs.record import RunOutcome
from app.jobs.result import LONGEST_MESSAGE, failed, killed, noted, succeeded, text_of, timed_out


def circle() -> list[Any]:
    ring: list[Any] = []
    ring.append(ring)
    return ring


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""), ("a", "a"), (0, "0"), ({"k": [1]}, '{"k": [1]}'), ((), "[]"), ({1}, "{1}"), (circle(), "[[...]]"),
        ({"名": "值"}, '{"名": "值"}'),
    ],
)  # fmt: skip
def test_any_value_has_a_text(value: Any, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("no rows"), "ValueError: no rows"),
        (ValueError(), "ValueError"),
        (TimeoutError("slow"), "TimeoutError: slow"),
        (asyncio.CancelledError(), "CancelledError"),
        (SystemExit(3), "SystemExit: 3"),
        (ValidationError("bad parameter: day: Field required"), "ValidationError: bad parameter: day: Field required"),
        (RuntimeError("https://u:hunter2@host/x?token=abcdef"), "RuntimeError: https://u:******@host/x?token=******"),
    ],
)
def test_a_failure_is_told_by_type_and_message_without_secrets(error: BaseException, message: str) -> None:
    result = failed(error)
    assert (result.outcome, result.code, result.message) == (RunOutcome.FAILED, 500, message)
    assert result.exception is error


def test_the_codes_are_those_of_the_console() -> None:
    assert (succeeded("x").code, killed("why").code, timed_out().code) == (200, 500, 502)
    assert killed("why").message == "why"


def test_no_message_is_longer_than_the_console_keeps() -> None:
    assert len(succeeded("x" * 1_000_000).message) == 15_000
    assert len(failed(ValueError("x" * 1_000_000)).message) == 15_000


def test_a_note_finds_its_place_in_the_longest_message() -> None:
    message = noted(succeeded("x" * 20_000), "job log not written: disk full").message
    assert len(message) == LONGEST_MESSAGE
    assert message.endswith("x (job log not written: disk full)")
