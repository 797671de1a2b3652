"""When a trigger is new, and when it is the same again."""

from collections.abc import Sequence
from dataclasses import replace

from app.jobs.ledger import MemoryRunLedger
from app.jobs.record import RunOutcome, RunState
from app.testing.fake_console import FakeConsole
from app.xxl_job.executor.admission import Admission
from app.xxl_job.executor.callback import Callback
from app.xxl_job.executor.outbox import CallbackOutbox
from app.xxl_job.executor.protocol import Trigger, parse_trigger
from support.executor import configuration_of

CONFIGURATION = configuration_of(FakeConsole())
TRIGGER = parse_trigger({"jobId": 4, "logId": 7, "logDateTime": 9, "executorHandler": "noop", "executorParams": "p"})


async def nobody(batch: Sequence[Callback]) -> None: ...


def desk() -> Admission:
    return Admission(MemoryRunLedger(), CallbackOutbox(nobody), "executor-a-0")


def finish(admission: Admission, outcome: RunOutcome, trigger: Trigger = TRIGGER) -> str:
    record = admission.build_record(trigger, CONFIGURATION)
    admission.ledger.put(replace(record, state=RunState.DONE, outcome=outcome, code=500))
    return record.run_id


def test_a_record_says_who_what_and_where() -> None:
    record = desk().build_record(TRIGGER, CONFIGURATION)
    assert (record.job_id, record.log_id, record.log_date_time, record.handler, record.param) == (4, 7, 9, "noop", "p")
    assert (record.instance, record.trace_id, record.attempt) == ("executor-a-0", "xxl-test-executor-7", 1)


def test_a_run_under_way_is_known() -> None:
    admission = desk()
    admission.ledger.put(admission.build_record(TRIGGER, CONFIGURATION))
    assert admission.find_known(TRIGGER, CONFIGURATION) is not None


def test_another_job_log_id_time_or_console_is_another_run() -> None:
    admission = desk()
    admission.ledger.put(admission.build_record(TRIGGER, CONFIGURATION))
    elsewhere = replace(CONFIGURATION, console_urls=("http://other/x",))

    for other in (replace(TRIGGER, job_id=5), replace(TRIGGER, log_id=8), replace(TRIGGER, log_date_time=10)):
        assert admission.find_known(other, CONFIGURATION) is None
    assert admission.find_known(TRIGGER, elsewhere) is None


def test_a_success_is_known_for_ever() -> None:
    admission = desk()
    finish(admission, RunOutcome.SUCCESS)
    assert admission.find_known(TRIGGER, CONFIGURATION) is not None


def test_a_failure_that_the_console_was_told_of_may_be_tried_again() -> None:
    admission = desk()
    finish(admission, RunOutcome.FAILED)
    assert admission.find_known(TRIGGER, CONFIGURATION) is None
    assert admission.build_record(TRIGGER, CONFIGURATION).attempt == 2


def test_a_failure_that_the_console_cannot_know_of_is_the_same_run() -> None:
    admission = desk()
    run_id = finish(admission, RunOutcome.FAILED)
    admission.outbox.add(Callback(run_id, 7, 9, 500, "no"))
    assert admission.find_known(TRIGGER, CONFIGURATION) is not None
