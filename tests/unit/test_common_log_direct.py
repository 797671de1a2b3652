"""A line put together by hand is the line that loguru would have written."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.common import log_direct
from app.common.context import bound
from app.common.log_copy import LineCopy, line_copy_var
from app.common.log_direct import LineFields, Place
from app.common.logger import LogHandle, LogOptions, configure_logging, log

TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}\.\d{3}[+-]\d{2}:\d{2}")
PLACE = Place("app.x", "run", 7)

Start = Callable[..., LogHandle]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    handles: list[LogHandle] = []

    def configured(**options: Any) -> LogHandle:
        handles.append(
            configure_logging(LogOptions(instance="job-h-0", log_path=tmp_path, env="prod", console=False, **options))
        )
        return handles[0]

    yield configured
    handles[0].close()


def lines_of(handle: LogHandle, folder: Path) -> list[str]:
    assert handle.flush()
    return "".join(path.read_text() for path in folder.rglob("*.log")).splitlines()


def write_both_ways(message: str, **fields: Any) -> None:
    def take_place(record: Any) -> None:
        record.update(name="app.x", function="run", line=7)

    with bound("xxl-app-1"):
        log.bind(**fields).patch(take_place).info(message)
        log_direct.current.log.write("INFO", PLACE, message, LineFields(fields))


@pytest.mark.parametrize("fields", [{}, {"rows": 3, "note": "a b", "password": "hunter2"}])
@pytest.mark.parametrize("format_", ["text", "json"])
@pytest.mark.parametrize("message", ["rows read", "two\nlines \u202e", "中文 😀"])
def test_it_is_the_line_of_loguru(
    start: Start, tmp_path: Path, format_: str, message: str, fields: dict[str, Any]
) -> None:
    handle = start(format=format_)
    write_both_ways(message, **fields)
    by_loguru, by_hand = (TIME.sub("T", line) for line in lines_of(handle, tmp_path))
    assert by_hand == by_loguru


@pytest.mark.parametrize("format_", ["text", "json"])
def test_the_copy_is_text_in_either_format(start: Start, format_: str) -> None:
    start(format=format_)
    copies: list[str] = []
    token = line_copy_var.set(LineCopy(copies.append))
    write_both_ways("rows read", rows=3)
    line_copy_var.reset(token)
    assert TIME.sub("T", copies[1]) == TIME.sub("T", copies[0])
    assert copies[1].endswith("[app.x:run:7] rows read rows=3\n")


def test_levels_are_those_of_the_module_and_change_live(start: Start, tmp_path: Path) -> None:
    handle = start(levels={"app.x": "WARNING"})
    log_direct.current.log.write("INFO", PLACE, "hidden")
    handle.update(LogOptions(instance="job-h-0", log_path=tmp_path, env="prod", console=False, level="DEBUG"))
    log_direct.current.log.write("DEBUG", PLACE, "seen")
    [line] = lines_of(handle, tmp_path)
    assert line.endswith("] seen")


def test_before_configuration_it_writes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    log_direct.current.log.write("INFO", PLACE, "early")
    log_direct.current.log.write("DEBUG", PLACE, "hidden")
    assert capsys.readouterr().err.endswith("[app.x:run:7] early\n")


def test_it_stands_for_loguru_while_nothing_was_added_to_it_or_switched_off(start: Start) -> None:
    start()

    def stands() -> bool:
        return log_direct.current.log.stands_for_loguru()

    seen = [stands()]
    handler = log.add(lambda _: None)
    seen.append(stands())
    log.remove(handler)
    seen.append(stands())
    with log.contextualize(order=1):
        seen.append(stands())
    log.disable("some.library")
    seen.append(stands())
    log.enable("some.library")
    seen.append(stands())
    assert seen == [True, False, True, False, False, True]


def test_a_json_line_names_its_parts(start: Start, tmp_path: Path) -> None:
    handle = start(format="json")
    log_direct.current.log.write("INFO", PLACE, "rows read")
    [line] = lines_of(handle, tmp_path)
    document = json.loads(line)
    assert {key: document[key] for key in ("module", "function", "line", "message", "trace_id")} == {
        "module": "app.x", "function": "run", "line": 7, "message": "rows read", "trace_id": "-",
    }  # fmt: skip
