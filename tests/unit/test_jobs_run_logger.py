"""`ctx.log` is loguru's logger to whoever uses it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from app.common.log_direct import LineFields
from app.common.logger import LogHandle, LogOptions, configure_logging, log
from app.jobs.run_logger import build_run_logger


class Desk:
    def __init__(self, handle: LogHandle, folder: Path) -> None:
        self.log = build_run_logger(LineFields({"job": "it", "log_id": 7}))
        self._handle = handle
        self._folder = folder

    def text(self) -> str:
        assert self._handle.flush()
        return "".join(path.read_text() for path in self._folder.rglob("*.log"))

    def messages(self) -> list[str]:
        return [line.split("] ")[-1] for line in self.text().splitlines() if line.startswith("[")]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    handle = configure_logging(LogOptions(instance="job-h-0", log_path=tmp_path, env="prod", console=False))
    yield Desk(handle, tmp_path)
    handle.close()


@pytest.mark.parametrize("level", ["info", "success", "warning", "error", "critical"])
def test_a_line_carries_the_run_the_level_and_its_own_place(desk: Desk, level: str) -> None:
    getattr(desk.log, level)("rows read")
    line = desk.text()
    where = f"{__name__}:test_a_line_carries_the_run_the_level_and_its_own_place:"
    assert f"[{level.upper()}]" in line
    assert where in line
    assert line.endswith("] rows read job=it log_id=7\n")


def test_levels_below_the_settings_are_not_written(desk: Desk) -> None:
    desk.log.debug("hidden")
    desk.log.trace("hidden")
    assert desk.messages() == []


def test_arguments_and_fields_work_as_in_loguru(desk: Desk) -> None:
    desk.log.info("{} of {}", 3, 4)  # noqa: PLE1205 - braces, as in loguru
    desk.log.info("{rows} rows", rows=3)
    desk.log.bind(table="orders").info("rows read")
    desk.log.bind(table="orders").info("{}", {"a": 1})
    assert desk.messages() == [
        "3 of 4 job=it log_id=7",
        "3 rows job=it log_id=7 rows=3",
        "rows read job=it log_id=7 table=orders",
        "{'a': 1} job=it log_id=7 table=orders",
    ]


def test_braces_without_arguments_stay(desk: Desk) -> None:
    desk.log.info("{not} {a} {format}")
    assert desk.messages() == ["{not} {a} {format} job=it log_id=7"]


def test_secrets_are_masked(desk: Desk) -> None:
    desk.log.info("login with password={}", "hunter2")  # noqa: PLE1205 - as above
    desk.log.bind(token="abcd1234").info("called")
    assert "hunter2" not in desk.text()
    assert "abcd1234" not in desk.text()


def test_an_exception_is_logged_with_its_stack(desk: Desk) -> None:
    try:
        int("x")
    except ValueError:
        desk.log.exception("not a number")
    text = desk.text()
    assert "] not a number job=it log_id=7\n" in text
    assert "ValueError: invalid literal" in text
    assert f"{__name__}:test_an_exception_is_logged_with_its_stack:" in text


def test_whatever_else_loguru_has_is_there(desk: Desk) -> None:
    desk.log.opt(lazy=True).info("{}", lambda: "lazy")
    desk.log.log("WARNING", "by name")
    with desk.log.catch(message="caught"):
        raise ValueError("no rows")
    with desk.log.contextualize(order=1):
        desk.log.info("inside")
    assert desk.messages() == [
        "lazy job=it log_id=7",
        "by name job=it log_id=7",
        "caught job=it log_id=7",
        "inside order=1 job=it log_id=7",
    ]


def test_a_sink_that_somebody_added_gets_the_lines_too_with_their_place(desk: Desk) -> None:
    records: list[Any] = []
    handler = log.add(lambda message: records.append(cast("Any", message).record))
    desk.log.info("rows read")
    log.remove(handler)
    assert [(record["message"], record["function"], record["extra"]["job"]) for record in records] == [
        ("rows read", "test_a_sink_that_somebody_added_gets_the_lines_too_with_their_place", "it")
    ]
    assert desk.messages() == ["rows read job=it log_id=7"]
