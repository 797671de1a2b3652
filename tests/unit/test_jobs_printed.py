"""Printed text reaches the log of the run, by lines, and the stream as ever."""

import io
import sys
import threading
from collections.abc import Iterator

import pytest

from app.common.context import bound
from app.common.log_copy import LineCopy, line_copy_var
from app.common.logger import log
from app.jobs.printed import LONGEST_PARTIAL, PrintedStream, flush_printed, prints_copied


class Run:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.copy = LineCopy(self.lines.append)
        self.original = io.StringIO()
        self.stream = PrintedStream(self.original, "stdout")

    @property
    def messages(self) -> list[str]:
        return [line.split("[stdout:print:0] ")[-1].rstrip("\n") for line in self.lines]


@pytest.fixture
def run() -> Iterator[Run]:
    run = Run()
    token = line_copy_var.set(run.copy)
    yield run
    line_copy_var.reset(token)


def test_text_goes_to_the_stream_unchanged_and_to_the_log_by_lines(run: Run) -> None:
    print("one\ntwo", 3, file=run.stream)
    assert run.original.getvalue() == "one\ntwo 3\n"
    assert run.messages == ["one", "two 3"]


def test_a_printed_line_has_trace_level_and_stream(run: Run) -> None:
    with bound("xxl-app-7"):
        print("rows", file=run.stream)
    assert "] [INFO] [xxl-app-7] [MainThread] [stdout:print:0] rows\n" in run.lines[0]


def test_pieces_of_a_line_are_put_together_for_each_thread(run: Run) -> None:
    run.stream.write("mine ")
    thread = threading.Thread(target=lambda: write_in(run, "theirs\n"))
    thread.start()
    thread.join()
    run.stream.write("whole\n")
    assert run.messages == ["theirs", "mine whole"]


def write_in(run: Run, text: str) -> None:
    token = line_copy_var.set(run.copy)
    run.stream.write(text)
    line_copy_var.reset(token)


def test_what_has_no_end_of_line_is_written_at_the_end_once(run: Run) -> None:
    run.stream.write("no end")
    assert run.messages == []
    flush_printed(run.copy)
    flush_printed(run.copy)
    assert run.messages == ["no end"]


def test_a_line_that_never_ends_is_written_in_pieces(run: Run) -> None:
    run.stream.write("x" * LONGEST_PARTIAL)
    assert run.messages == []
    run.stream.write("y")
    assert len(run.messages) == 1


def test_secrets_and_control_characters_are_made_harmless_in_the_log_only(run: Run) -> None:
    run.stream.writelines(["password=hunter2\n", "\x1b[31mred\r\n"])
    assert run.messages == ["password=******", "\\u001b[31mred"]
    assert run.original.getvalue() == "password=hunter2\n\x1b[31mred\r\n"


def test_outside_of_a_run_it_is_the_stream() -> None:
    original = io.StringIO()
    stream = PrintedStream(original, "stdout")
    stream.write("text")
    assert original.getvalue() == "text"
    assert not stream.isatty()
    assert stream.encoding == original.encoding


def test_the_streams_are_put_back() -> None:
    former = sys.stdout, sys.stderr
    with prints_copied():
        assert sys.stdout is not former[0]
        assert sys.stderr is not former[1]
    assert (sys.stdout, sys.stderr) == former


def test_a_stream_that_somebody_else_replaced_meanwhile_stays() -> None:
    former, other = sys.stdout, io.StringIO()
    with prints_copied():
        sys.stdout = other
    seen, sys.stdout = sys.stdout, former
    assert seen is other


def test_a_process_without_streams_has_none_afterwards_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with prints_copied():
        assert sys.stderr is None


def test_a_log_line_on_stderr_is_copied_once(run: Run) -> None:
    with prints_copied():
        log.warning("early")
        sys.stderr.write("printed\n")
    assert [line.rstrip("\n").split("] ")[-1] for line in run.lines] == ["early", "printed"]
