"""When a failed body is tried again, and how long after."""

from typing import Any

import pytest

from app.common.log_copy import LineCopy, line_copy_var
from app.jobs.options import JobOptions, Retry
from app.jobs.result import killed
from app.jobs.retry import begin_next, pause_before_next, pause_seconds
from app.jobs.run import Run
from support.jobs_support import build_run


def run_of(retry: Retry, **fields: Any) -> Run:
    return build_run(options=JobOptions(retry=retry), **fields)


@pytest.mark.parametrize(("attempt", "longest"), [(1, 1.0), (2, 2.0), (3, 4.0), (7, 60.0), (1000, 60.0)])
def test_the_pause_doubles_up_to_the_longest_and_is_up_to_a_quarter_shorter(attempt: int, longest: float) -> None:
    pauses = [pause_seconds(Retry(attempts=2000), attempt) for _ in range(200)]
    assert longest * 0.75 <= min(pauses)
    assert max(pauses) <= longest
    assert len(set(pauses)) > 100


def test_a_failure_is_tried_again_up_to_the_last_attempt() -> None:
    run, error, begun = run_of(Retry(attempts=3, first_seconds=0)), ValueError("no rows"), 1
    while pause_before_next(run, error) is not None:
        begin_next(run)
        begun += 1
    assert (begun, run.record.attempt) == (3, 3)


def test_attempts_before_a_restart_count() -> None:
    run = run_of(Retry(attempts=3), attempt=3)
    assert pause_before_next(run, ValueError()) is None


@pytest.mark.parametrize(
    ("error", "is_tried"),
    [
        (ConnectionError(), True),
        (ConnectionResetError(), True),
        (TimeoutError(), False),
        (ValueError(), False),
        (SystemExit(), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_only_the_named_failures_are_tried_again(error: BaseException, is_tried: bool) -> None:
    run = run_of(Retry(attempts=3, only=(ConnectionError,)))
    assert (pause_before_next(run, error) is not None) is is_tried


def test_a_handlers_own_timeout_is_a_failure_like_any_other() -> None:
    assert pause_before_next(run_of(Retry(attempts=2)), TimeoutError()) is not None


def test_what_was_stopped_is_not_tried_again() -> None:
    run = run_of(Retry(attempts=3))
    run.fix(killed("why"))
    assert pause_before_next(run, ValueError()) is None


def test_each_failed_attempt_is_one_line_with_reason_and_pause() -> None:
    lines: list[str] = []
    token = line_copy_var.set(LineCopy(lines.append))
    run = run_of(Retry(attempts=2, first_seconds=8, longest_seconds=8))
    pause = pause_before_next(run, ValueError("login with password=hunter2 refused"))
    begin_next(run)
    assert pause_before_next(run, ValueError("the last")) is None
    line_copy_var.reset(token)

    [line] = lines
    assert "[WARNING]" in line
    assert f"tried again job=it attempt=1 attempts=2 pause_seconds={pause:.3f}".rstrip("0") in line
    assert 'reason="ValueError: login with password=****** refused"' in line
