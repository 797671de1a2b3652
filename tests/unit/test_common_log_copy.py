"""Lines of a context that has a log of its own go there too."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.common.context import bound
from app.common.log_copy import LineCopy, copy_line, line_copy_var
from app.common.logger import LogHandle, LogOptions, configure_logging, log


@pytest.fixture
def copied() -> Iterator[list[str]]:
    lines: list[str] = []
    token = line_copy_var.set(LineCopy(lines.append))
    yield lines
    line_copy_var.reset(token)


@pytest.fixture
def logs(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[LogHandle]:
    options = LogOptions(instance="job-h-0", log_path=tmp_path, env="prod", console=False, format=request.param)
    handle = configure_logging(options)
    yield handle
    handle.close()


def file_text(logs: LogHandle, folder: Path) -> str:
    assert logs.flush()
    return "".join(path.read_text() for path in folder.rglob("*.log"))


@pytest.mark.parametrize("logs", ["text"], indirect=True)
def test_both_destinations_get_the_same_line(logs: LogHandle, copied: list[str], tmp_path: Path) -> None:
    with bound("xxl-app-1"):
        log.bind(rows=3).info("rows read")
    assert "[xxl-app-1]" in copied[0]
    assert copied == [file_text(logs, tmp_path)]


@pytest.mark.parametrize("logs", ["json"], indirect=True)
def test_the_copy_is_text_where_the_process_writes_json(logs: LogHandle, copied: list[str], tmp_path: Path) -> None:
    log.bind(rows=3).info("rows read")
    assert json.loads(file_text(logs, tmp_path))["fields"] == {"rows": 3}
    assert copied[0].endswith("] rows read rows=3\n")


@pytest.mark.parametrize("logs", ["text"], indirect=True)
def test_secrets_are_masked_and_levels_count_in_the_copy(logs: LogHandle, copied: list[str]) -> None:
    log.info("login with password=hunter2")
    log.debug("hidden")
    assert len(copied) == 1
    assert "hunter2" not in copied[0]


def test_lines_are_copied_before_logging_is_configured(copied: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    log.info("early")
    assert capsys.readouterr().err == copied[0]


def test_without_a_log_of_its_own_a_context_copies_nothing(copied: list[str]) -> None:
    token = line_copy_var.set(None)
    copy_line("lost\n")
    line_copy_var.reset(token)
    copy_line("kept\n")
    assert copied == ["kept\n"]
