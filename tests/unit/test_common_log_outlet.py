"""File and console stand in for one another, and say so once."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from app.common.log_console import Console
from app.common.log_file import DailyFile
from app.common.log_outlet import Outlet


class Screen:
    """A console whose text can be read."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)
        self.console = Console(self.writer)

    def read(self) -> str:
        with suppress(BlockingIOError):
            return os.read(self.reader, 65_536).decode()
        return ""


@pytest.fixture
def screen() -> Iterator[Screen]:
    screen = Screen()
    yield screen
    for descriptor in (screen.reader, screen.writer):
        with suppress(OSError):
            os.close(descriptor)


def notice(message: str, fields: dict[str, object]) -> str:
    return f"NOTICE {message} {sorted(fields)}\n"


def text_in(folder: Path) -> str:
    return "".join(path.read_text() for path in folder.rglob("*.log"))


def test_lines_go_to_both(tmp_path: Path, screen: Screen) -> None:
    outlet = Outlet(DailyFile(tmp_path, "web-h-0"), screen.console, notice, console_enabled=True)
    outlet.write(["one\n", "two\n"])
    outlet.close()
    assert screen.read() == text_in(tmp_path) == "one\ntwo\n"


def test_a_console_that_is_off_stays_silent(tmp_path: Path, screen: Screen) -> None:
    outlet = Outlet(DailyFile(tmp_path, "web-h-0"), screen.console, notice, console_enabled=False)
    outlet.write(["one\n"])
    outlet.close()
    assert screen.read() == ""
    assert text_in(tmp_path) == "one\n"


@pytest.mark.parametrize("console_enabled", [True, False])
def test_while_the_file_fails_lines_go_to_the_console_with_one_warning(
    tmp_path: Path, screen: Screen, console_enabled: bool
) -> None:
    folder = tmp_path / "log"
    folder.write_text("in the way")
    file = DailyFile(folder, "web-h-0", retry_seconds=0)
    outlet = Outlet(file, screen.console, notice, console_enabled=console_enabled)
    outlet.write(["one\n"])
    outlet.write(["two\n"])
    assert screen.read() == (
        "NOTICE the log file can't be written, lines go to the console ['folder', 'reason']\none\ntwo\n"
    )
    folder.unlink()
    outlet.write(["three\n"])
    outlet.write(["four\n"])
    outlet.close()
    assert text_in(folder) == "three\nNOTICE the log file is written again ['lines_not_in_file']\nfour\n"
    assert outlet.lines_lost == 0


def test_a_console_that_closed_is_told_in_the_file_once(tmp_path: Path, screen: Screen) -> None:
    os.close(screen.reader)
    outlet = Outlet(DailyFile(tmp_path, "web-h-0"), screen.console, notice, console_enabled=True)
    outlet.write(["one\n"])
    outlet.write(["two\n"])
    outlet.close()
    assert text_in(tmp_path) == "one\nNOTICE the console is closed []\ntwo\n"
    assert outlet.lines_lost == 0


def test_a_console_that_was_too_slow_is_told_when_it_is_back(screen: Screen) -> None:
    screen.console = Console(screen.writer, backlog_bytes=100_000)
    outlet = Outlet(None, screen.console, notice, console_enabled=True)
    outlet.write(["x" * 99_998 + "\n"])
    outlet.write(["y" * 90_000 + "\n"])
    while screen.console.has_backlog:
        assert screen.read()
        outlet.pump()
    screen.read()
    outlet.write(["seen\n"])
    assert screen.read() == "seen\nNOTICE the console was too slow ['lines_lost_there']\n"


def test_lines_that_nobody_took_are_counted(tmp_path: Path, screen: Screen) -> None:
    (tmp_path / "log").write_text("in the way")
    os.close(screen.reader)
    outlet = Outlet(DailyFile(tmp_path / "log", "web-h-0"), screen.console, notice, console_enabled=True)
    outlet.write(["one\n"])
    outlet.write(["two\n"])
    assert outlet.lines_lost >= 2


def test_neither_file_nor_console_is_a_choice_and_no_loss(screen: Screen) -> None:
    outlet = Outlet(None, screen.console, notice, console_enabled=False)
    outlet.write(["one\n"])
    assert outlet.lines_lost == 0
    assert screen.read() == ""
