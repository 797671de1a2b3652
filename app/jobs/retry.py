"""Tries a body again inside its run, before the outcome is fixed: whatever kind of body that is."""

import random

from app.common.context import run_var
from app.common.logger import log
from app.jobs.options import Retry
from app.jobs.result import failed
from app.jobs.run import Run

SHOWN_LENGTH = 1000


def pause_before_next(run: Run, error: BaseException) -> float | None:
    """How many seconds to wait before the body is tried again, said in the log; None: this failure is the outcome.

    What was killed or timed out is never tried again. Called inside the run.
    """
    retry, attempt = run.definition.options.retry, run.record.attempt
    if attempt >= retry.attempts or run.result is not None or not isinstance(error, retry.only):
        return None
    seconds = pause_seconds(retry, attempt)
    log.bind(
        job=run.record.handler,
        attempt=attempt,
        attempts=retry.attempts,
        pause_seconds=round(seconds, 3),
        reason=failed(error).message[:SHOWN_LENGTH],
    ).warning("attempt failed, the job is tried again")
    return seconds


def begin_next(run: Run) -> None:
    """A new attempt: the run's context says which. Called inside the run, after the pause."""
    run.begin_attempt()
    run_var.set(run.context)


def pause_seconds(retry: Retry, attempt: int) -> float:
    """After the `attempt`-th failure: doubled each time, up to the longest, and up to a quarter shorter by chance."""
    doubled = retry.first_seconds * 2.0 ** min(attempt - 1, 60)
    return min(doubled, retry.longest_seconds) * (1 - random.random() / 4)  # noqa: S311 - spreads, hides nothing
