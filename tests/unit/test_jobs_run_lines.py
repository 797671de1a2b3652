"""The first and the last line of a run."""

from typing import Any

import pytest

from app.common.log_copy import LineCopy, line_copy_var
from app.common.logger import log
from app.jobs.record import RunOutcome
from app.jobs.result import RunResult, failed, killed, succeeded, timed_out
from app.jobs.run_lines import fields_of, write_finished, write_started
from support.jobs_support import build_record, build_run

W3C = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def lines() -> Any:
    taken: list[str] = []
    token = line_copy_var.set(LineCopy(taken.append))
    yield taken
    line_copy_var.reset(token)


@pytest.fixture(params=["by hand", "by loguru"])
def way(request: pytest.FixtureRequest) -> Any:
    """A sink that somebody added makes loguru write them."""
    handler = log.add(lambda _: None) if request.param == "by loguru" else None
    yield request.param
    if handler is not None:
        log.remove(handler)


def test_the_first_line_says_which_run_begins(lines: list[str], way: str) -> None:
    run = build_run(trace_id=W3C, shard_index=1, shard_total=3, attempt=2)
    write_started(run, fields_of(run.record))
    assert lines[0].endswith(
        f"] run started job=it job_id=4 log_id=1 shard=1/3 attempt=2 trace={W3C} w3c_trace={W3C}\n"
    )


def test_a_trace_id_that_is_no_plain_word_is_quoted(lines: list[str], way: str) -> None:
    run = build_run(trace_id="xxl-my app-1")
    write_started(run, fields_of(run.record))
    assert ' trace="xxl-my app-1" ' in lines[0]


@pytest.mark.parametrize(
    ("result", "level", "ending"),
    [
        (succeeded(None), "INFO", 'outcome=success result=""'),
        (succeeded("3 rows"), "INFO", 'outcome=success result="3 rows"'),
        (succeeded("token=abcd1234"), "INFO", 'outcome=success result="token=******"'),
        (succeeded("two\nlines"), "INFO", 'outcome=success result="two\\nlines"'),
        (killed("by hand"), "WARNING", 'outcome=killed result="by hand"'),
        (timed_out(), "WARNING", 'outcome=timeout result="job execute timeout"'),
    ],
)
def test_the_last_line_says_how_it_ended(
    lines: list[str], way: str, result: RunResult, level: str, ending: str
) -> None:
    write_finished(build_run(), result)
    [line] = lines
    assert f"[{level}]" in line
    assert line.endswith(f"] run finished job=it job_id=4 log_id=1 {ending}\n")


def test_a_failure_is_written_with_its_stack(lines: list[str]) -> None:
    try:
        int("x")
    except ValueError as error:
        write_finished(build_run(), failed(error))
    assert "[ERROR]" in lines[0]
    assert "    Traceback (most recent call last):\n" in lines[0]


def test_a_long_result_is_cut(lines: list[str]) -> None:
    write_finished(build_run(), RunResult(RunOutcome.SUCCESS, 200, "x" * 5000))
    assert lines[0].endswith(" result=" + "x" * 1000 + "\n")


def test_an_odd_handler_name_breaks_no_line() -> None:
    assert fields_of(build_record(handler="a b\n")).text == ' job="a b\\n" job_id=4 log_id=1'
