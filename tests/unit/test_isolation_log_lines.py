import json
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from app.common.context import bound
from app.common.log_format import render_text
from app.common.logger import log
from app.xxl_job.executor.isolation.log_lines import pack_line, write_line

if TYPE_CHECKING:
    from loguru import Message


class Both:
    """What was logged, as frames and as rendered lines."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.lines: list[str] = []

    def sink(self, message: "Message") -> None:
        self.frames.append(json.loads(json.dumps(pack_line(message))))
        self.lines.append(render_text(message.record, str(message)))


@pytest.fixture
def both() -> Iterator[Both]:
    found = Both()
    handler = log.add(found.sink, level="TRACE", format=lambda _: "{exception}", backtrace=False, diagnose=False)
    yield found
    log.remove(handler)


def test_a_line_reads_the_same_on_both_sides(both: Both) -> None:
    with bound("xxl-app-1"):
        log.bind(job_id=1, name="with space", nested={"a": [1, None]}).warning("braces {} and\nlines")
    write_line(both.frames[0])
    assert both.lines[1] == both.lines[0]


def test_a_line_without_a_trace_belongs_to_the_run_that_it_came_in(both: Both) -> None:
    log.info("from a library's thread")
    with bound("xxl-app-2"):
        write_line(both.frames[0])
    assert "[xxl-app-2]" in both.lines[1]


def test_a_traceback_crosses_as_text(both: Both) -> None:
    try:
        json.loads("{")
    except ValueError:
        log.exception("bad")
    write_line(both.frames[0])
    assert "json.decoder.JSONDecodeError: Expecting property name" in both.lines[1]
    assert "test_a_traceback_crosses_as_text" in both.lines[1]


def test_a_level_of_a_librarys_own_arrives_by_its_number(both: Both) -> None:
    log.log(logging.INFO + 3, "odd")
    write_line(both.frames[0])
    assert both.frames[1]["number"] == 23


def test_a_huge_line_is_masked_before_it_is_cut(both: Both) -> None:
    log.info("password=wMk7secret " + "x" * 200_000)
    assert len(both.frames[0]["message"]) < 101_000
    assert "wMk7secret" not in both.frames[0]["message"]


def test_what_a_field_holds_becomes_plain_data_and_secrets_stay(both: Both) -> None:
    log.bind(token="wMk7secret", odd=object, many={1, 2}).info("fields")
    extra = both.frames[0]["extra"]
    assert (extra["token"], sorted(extra["many"])) == ("******", [1, 2])
    assert "class 'object'" in extra["odd"]
