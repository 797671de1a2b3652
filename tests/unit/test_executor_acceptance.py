"""Runs on their way into the ledger: answered in time, remembered until the ledger has spoken."""

from app.xxl_job.executor.acceptance import TOO_LATE, Acceptance, Acceptances
from app.xxl_job.executor.protocol import FAIL, Answer, BlockStrategy
from support.jobs_support import build_run


def acceptance(log_id: int, deadline: float) -> tuple[Acceptance, list[Answer]]:
    answers: list[Answer] = []
    run = build_run(log_id=log_id, run_id=f"run-{log_id}")
    return Acceptance(run, BlockStrategy.SERIAL, deadline, [answers.append]), answers


def test_only_those_whose_time_is_over_are_answered_and_each_once() -> None:
    table = Acceptances()
    (early, early_answers), (late, late_answers) = acceptance(1, 10.0), acceptance(2, 20.0)
    table.add(early)
    table.add(late)
    assert [list(table.expire(now)) for now in (10.0, 15.0, 15.0)] == [[], [early], []]
    assert (early_answers, late_answers) == ([Answer(FAIL, TOO_LATE)], [])


def test_a_late_one_is_remembered_until_the_ledger_has_spoken() -> None:
    table = Acceptances()
    late, _ = acceptance(1, 10.0)
    table.add(late)
    list(table.expire(11.0))
    assert (table.find("run-1"), table.is_stuck) == (late, True)
    table.take(late)
    assert (table.find("run-1"), table.is_stuck, len(table)) == (None, False, 0)


def test_everybody_who_asked_is_answered_once() -> None:
    one, answers = acceptance(1, 10.0)
    one.replies.append(answers.append)
    one.answer(Answer())
    one.answer(Answer(FAIL, "again"))
    assert answers == [Answer(), Answer()]
