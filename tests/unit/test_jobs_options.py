"""What a job may ask for, and what it may not."""

from typing import Any

import pytest

from app.jobs.options import PLAIN, Isolation, JobOptions, Retry


@pytest.mark.parametrize(
    "wrong", [{"attempts": 0}, {"first_seconds": -1.0}, {"first_seconds": 5.0, "longest_seconds": 4.0}]
)
def test_a_retry_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="attempts >= 1"):
        Retry(**wrong)


@pytest.mark.parametrize("wrong", [{"max_concurrent": 0}, {"memory_mb": 0}, {"cpu_seconds": -1}])
def test_limits_are_at_least_one(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        JobOptions(isolation=Isolation.PROCESS, **wrong)


@pytest.mark.parametrize("limits", [{"memory_mb": 64}, {"cpu_seconds": 5}])
def test_limits_of_a_process_need_one(limits: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="isolation"):
        JobOptions(**limits)
    assert JobOptions(isolation=Isolation.PROCESS, **limits).isolation is Isolation.PROCESS


def test_a_plain_job_is_run_once_and_here() -> None:
    assert (PLAIN.retry.attempts, PLAIN.isolation, PLAIN.resumable) == (1, Isolation.NONE, False)
