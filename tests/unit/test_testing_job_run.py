"""What a test reads of a run."""

from app.jobs.record import RunOutcome, RunState
from app.testing.job_run import JobRun
from support.jobs_support import build_record

RECORD = build_record(state=RunState.DONE, outcome=RunOutcome.FAILED, code=500, message="ValueError: no")


def test_its_outcome_is_read_from_the_record() -> None:
    run = JobRun(record=RECORD, log="first\nsecond\n", alerts=(), callbacks=())
    assert (run.outcome, run.code, run.message) == ("failed", 500, "ValueError: no")
    assert run.lines == ["first", "second"]
