import io
import sys
from typing import Any

import pytest

from app.xxl_job.executor.isolation.printed_lines import (
    LONGEST_LINE,
    PrintedLines,
    capture_prints,
    flush_libraries,
    print_line,
)


class Sent(list[Any]):
    @property
    def texts(self) -> list[str]:
        return [frame["text"] for frame in self]


def test_whole_lines_go_and_the_rest_waits_for_its_end() -> None:
    sent = Sent()
    stream = PrintedLines(io.StringIO(), "stdout", sent.append)
    stream.writelines(["one\ntwo", " more\n", "rest"])
    assert sent.texts == ["one", "two more"]
    stream.end_lines()
    stream.end_lines()
    assert sent.texts == ["one", "two more", "rest"]


def test_a_line_without_end_goes_in_pieces() -> None:
    sent = Sent()
    PrintedLines(io.StringIO(), "stdout", sent.append).write("x" * (2 * LONGEST_LINE + 1))
    assert [len(text) for text in sent.texts] == [LONGEST_LINE] * 2


def test_everything_else_is_the_streams_own() -> None:
    original = io.StringIO()
    assert not PrintedLines(original, "stdout", lambda _: None).isatty()


def test_nobody_to_tell_is_no_failure_of_the_printer() -> None:
    def gone(_frame: object) -> None:
        raise BrokenPipeError

    assert PrintedLines(io.StringIO(), "stderr", gone).write("a\n") == 2


def test_both_streams_are_captured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    sent = Sent()
    capture_prints(sent.append)
    print("out")  # noqa: T201 - that is what is tested
    print("err", file=sys.stderr)  # noqa: T201 - as above
    assert [(frame["stream"], frame["text"]) for frame in sent] == [("stdout", "out"), ("stderr", "err")]


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_a_stream_that_is_not_there_or_closed_takes_nothing(
    stream: io.StringIO | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if stream is not None:
        stream.close()
    monkeypatch.setattr(sys, "stdout", stream)
    print_line({"stream": "stdout", "text": "x"})
    flush_libraries()
    assert sys.stdout is stream
