"""The console never waits for its reader."""

import os
from collections.abc import Iterator

import pytest

from app.common.log_console import Console, write_early


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    for descriptor in (reader, writer):
        try:
            os.close(descriptor)
        except OSError:
            continue


def test_lines_reach_the_reader(pipe: tuple[int, int]) -> None:
    Console(pipe[1]).write(b"one\ntwo\n")
    assert os.read(pipe[0], 100) == b"one\ntwo\n"


def test_a_reader_that_pauses_gets_the_rest_later(pipe: tuple[int, int]) -> None:
    console = Console(pipe[1])
    lines = b"0123456789abcde\n" * 20_000
    console.write(lines)
    assert console.has_backlog
    received = b""
    while len(received) < len(lines):
        received += os.read(pipe[0], 65_536)
        console.pump(0)
    assert received == lines
    assert not console.has_backlog
    assert console.lines_lost == 0


def test_beyond_the_backlog_whole_lines_are_lost_and_counted(pipe: tuple[int, int]) -> None:
    console = Console(pipe[1], backlog_bytes=100_000)
    console.write(b"x" * 99_999 + b"\n")
    console.write(b"y" * 99_998 + b"\n\n")
    assert console.lines_lost == 2


def test_a_reader_that_left_ends_the_console_and_nothing_else(pipe: tuple[int, int]) -> None:
    os.close(pipe[0])
    console = Console(pipe[1])
    console.write(b"one\n")
    console.write(b"two\n")
    assert console.is_closed
    assert not console.has_backlog


def test_a_descriptor_that_is_closed_ends_the_console() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    os.close(writer)
    console = Console(writer)
    console.write(b"one\n")
    assert console.is_closed


def test_waiting_for_a_reader_has_an_end(pipe: tuple[int, int]) -> None:
    console = Console(pipe[1])
    console.write(b"x" * 200_000 + b"\n")
    console.pump(0.01)
    assert console.has_backlog


def test_a_forked_child_leaves_the_backlog_to_its_parent(pipe: tuple[int, int]) -> None:
    console = Console(pipe[1])
    console.write(b"x" * 200_000 + b"\n")
    console.forget_backlog()
    assert not console.has_backlog


def test_early_lines_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    write_early("one \ud800 line\n")
    assert capsys.readouterr().err == "one \\ud800 line\n"
