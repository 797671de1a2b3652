"""Whatever is logged stays on its line, in both formats."""

import json
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.common.log_format import MAX_TEXT_LENGTH, Identity, Renderer, escape, render_json, render_text
from app.common.redaction import forget_secrets, register_secret

IDENTITY = Identity("shop", "prod", "web-h-0")
NASTY = [
    "two\nlines",
    "return\r[2026-01-01] forged",
    "\x1b[31mred\x1b[0m",
    "nul\x00 bell\x07 del\x7f c1\x85",
    "\u2028line\u2029paragraph",
    "\u202egnp.exe",
    "lone \ud800 surrogate",
    'quote " and \\ backslash',
    "中文 😀",
    "",
    "{not} {a} {format}",
    "</script>",
]


def record(message: str = "run finished", **extra: object) -> Any:
    return cast(
        "Any",
        {
            "time": datetime(2026, 1, 2, 3, 4, 5, 678_900, tzinfo=timezone(timedelta(hours=8))),
            "level": SimpleNamespace(name="INFO"),
            "thread": SimpleNamespace(name="MainThread"),
            "name": "app.x",
            "function": "run",
            "line": 7,
            "message": message,
            "extra": {"trace_id": "abc", **extra},
        },
    )


HEAD = "[2026-01-02 03:04:05.678+08:00] [INFO] [abc] [MainThread] [app.x:run:7] "


def test_a_text_line_has_its_parts_in_order_and_then_the_fields() -> None:
    line = render_text(record(job_id=1, note="a b", empty="", on=True, at={"x": 1}), "")
    assert line == HEAD + 'run finished job_id=1 note="a b" empty="" on=true at={"x":1}\n'


def test_a_json_line_has_its_parts_by_name_and_the_fields_apart() -> None:
    assert json.loads(render_json(record(job_id=1, level="forged"), "", IDENTITY)) == {
        "time": "2026-01-02T03:04:05.678+08:00",
        "level": "INFO",
        "trace_id": "abc",
        "thread": "MainThread",
        "module": "app.x",
        "function": "run",
        "line": 7,
        "message": "run finished",
        "service": "shop",
        "env": "prod",
        "instance": "web-h-0",
        "fields": {"job_id": 1, "level": "forged"},
    }


@pytest.mark.parametrize("nasty", NASTY)
def test_nasty_text_can_not_leave_its_line(nasty: str) -> None:
    line = render_text(record(nasty, field=nasty, other=[nasty]), "")
    assert line.startswith(HEAD)
    assert len(line.splitlines()) == 1
    assert not any(ord(character) < 32 or character in "\x7f\x85\u202e" for character in line[:-1])


@pytest.mark.parametrize("nasty", NASTY)
def test_nasty_text_comes_back_whole_from_a_json_line(nasty: str) -> None:
    line = render_json(record(nasty, field=nasty, **{nasty or "x": 1}), "", IDENTITY)
    assert len(line.splitlines()) == 1
    parsed = json.loads(line)
    assert parsed["message"] == parsed["fields"]["field"] == nasty


def test_a_value_can_not_pass_for_another_field() -> None:
    assert 'user="x admin=true"' in render_text(record(user="x admin=true"), "")


def test_a_traceback_stands_in_indented_lines_that_can_not_be_taken_for_lines_of_their_own() -> None:
    line = render_text(record(), "Traceback:\nValueError: a\n[2026-01-02 00:00:00] [INFO] forged\x1b[0m\n")
    assert line.splitlines()[1:] == [
        "    Traceback:",
        "    ValueError: a",
        "    [2026-01-02 00:00:00] [INFO] forged\\u001b[0m",
    ]


def test_a_traceback_is_one_value_in_a_json_line() -> None:
    assert json.loads(render_json(record(), "Traceback:\nValueError: a\n", IDENTITY))["exception"] == (
        "Traceback:\nValueError: a\n"
    )


@pytest.mark.parametrize("format_", ["text", "json"])
def test_message_fields_and_traceback_are_redacted(format_: Any) -> None:
    given = record("call https://h/?token=one", url="mysql://u:two@h", password="three", deep={"api_key": "four"})
    line = Renderer(IDENTITY, format_).render(given, "Error: password=five\n")
    assert not [secret for secret in ("one", "two", "three", "four", "five") if secret in line]
    assert line.count("******") == 5


def test_a_message_that_is_too_long_is_cut_and_says_so() -> None:
    line = render_text(record("x" * 100_010), "")
    assert line.endswith("xxx… (10 characters cut)\n")


def test_an_unset_trace_is_a_dash() -> None:
    given = record()
    del given["extra"]["trace_id"]
    assert "[INFO] [-] [MainThread]" in render_text(given, "")


def test_a_notice_is_a_line_like_every_other() -> None:
    line = Renderer(IDENTITY, "json").notice("log lines dropped", {"lines": 3})
    parsed = json.loads(line)
    assert (parsed["level"], parsed["message"], parsed["fields"]) == ("WARNING", "log lines dropped", {"lines": 3})


def test_printable_text_is_not_touched() -> None:
    assert escape("中文 naïve 😀 a\\nb") == "中文 naïve 😀 a\\nb"


@pytest.mark.parametrize("format_", ["text", "json"])
def test_a_secret_where_a_long_text_is_cut_leaves_no_half(format_: Any) -> None:
    register_secret("correct-horse-battery")
    long = "x" * (MAX_TEXT_LENGTH - 8) + "correct-horse-battery" + "y" * 100
    line = Renderer(IDENTITY, format_).render(record(long, field=long), long)
    forget_secrets(["correct-horse-battery"])
    assert "correct" not in line


@pytest.mark.parametrize("value", ["x" * 200_000, ["x" * 100] * 2_000, {"a": "x" * 200_000}])
@pytest.mark.parametrize("format_", ["text", "json"])
def test_a_long_value_is_cut_in_both_formats(format_: Any, value: object) -> None:
    line = Renderer(IDENTITY, format_).render(record(field=value), "")
    assert "characters cut)" in line
    assert len(line) < 1.1 * MAX_TEXT_LENGTH
