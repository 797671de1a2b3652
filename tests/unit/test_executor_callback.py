"""What the console is told of a run, within its limits."""

import json
from pathlib import Path

import pytest

from app.xxl_job.executor.callback import Callback, cut

RECORDED = Path(__file__).parent / "wire" / "executor-to-console-3.3.jsonl"


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


def test_a_callback_has_the_fields_that_a_real_console_took() -> None:
    exchanges = [json.loads(line) for line in RECORDED.read_text().splitlines()]
    [recorded] = json.loads(next(one["body"] for one in exchanges if one["path"].endswith("/callback")))
    assert Callback("r", 1, recorded["logDateTim"], 200, "ok").as_json() == recorded
