"""A run goes forward, and its result is fixed once."""

import threading

from app.jobs.record import RunOutcome, RunState
from app.jobs.result import killed, succeeded
from support.jobs_support import build_run


def test_a_result_completes_the_record() -> None:
    run = build_run()
    run.mark(RunState.RUNNING)
    assert run.fix(succeeded("ok"))

    record = run.record
    assert (record.state, record.outcome, record.code, record.message) == (RunState.DONE, RunOutcome.SUCCESS, 200, "ok")
    assert record.started_at is not None
    assert record.finished_at is not None
    assert record.finished_at >= record.started_at


def test_nothing_changes_after_the_result() -> None:
    run = build_run()
    run.fix(killed("why"))
    assert not run.fix(succeeded("late"))
    assert run.mark(RunState.RUNNING).state is RunState.DONE
    assert run.record.outcome is RunOutcome.KILLED


def test_of_many_threads_one_fixes_the_result() -> None:
    run, gate, winners = build_run(), threading.Barrier(8), []

    def race(number: int) -> None:
        gate.wait(5)
        if run.fix(succeeded(number)):
            winners.append(str(number))

    threads = [threading.Thread(target=race, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert winners == [run.record.message]
