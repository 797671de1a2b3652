"""The engine by hand: every order of events that threads could bring about, without threads."""

from typing import Any

import pytest

from app.common.metrics import ABANDONED_RUNS
from app.jobs.record import RunOutcome, RunState
from app.xxl_job.executor.protocol import Answer
from support.engine_desk import EngineDesk
from support.jobs_support import build_record

TOO_LATE = Answer(500, "the run ledger was too slow: the run was not taken")
BUSY = Answer(500, "job thread is running or has trigger queue.")
CLOSING = Answer(500, "executor is shutting down")
BLOCKED = Answer(500, "previous run still executing; use isolation=process")


def started(desk: EngineDesk) -> list[int]:
    return desk.bodies.started_logs


def abandon(desk: EngineDesk) -> Any:
    """A run of job 1 that was killed and goes on."""
    run = desk.accept()
    assert run is not None
    desk.begin(run)
    desk.engine.kill(1)
    desk.clock.advance(5)
    desk.deliver()
    return run


def test_a_run_starts_when_it_is_durable_and_not_before() -> None:
    desk = EngineDesk()
    answers = desk.send(desk.trigger())
    assert (answers, started(desk)) == ([], [])
    desk.ledger.answer()
    desk.deliver()
    assert (answers, started(desk)) == ([Answer()], [1])


def test_a_job_is_busy_while_its_run_is_being_stored() -> None:
    desk = EngineDesk()
    desk.send(desk.trigger())
    assert desk.engine.idle_beat(1) == BUSY
    assert desk.engine.idle_beat(2) == Answer()


def test_a_run_that_could_not_be_stored_is_refused_and_leaves_nothing() -> None:
    desk = EngineDesk()
    answers = desk.send(desk.trigger())
    desk.ledger.answer(fails=True)
    desk.deliver()
    assert answers == [Answer(500, "the disk is full")]
    assert (started(desk), len(desk.engine)) == ([], 0)


def test_a_run_that_is_not_durable_in_time_is_answered_withdrawn_and_never_started() -> None:
    desk = EngineDesk()
    answers = desk.send(desk.trigger())
    desk.clock.advance(2.1)
    desk.engine.tick()
    assert answers == [TOO_LATE]
    desk.ledger.answer()
    desk.deliver()
    assert (started(desk), desk.ledger.list_unfinished(), len(desk.engine)) == ([], [], 0)


def test_the_time_counts_from_the_arrival_of_the_request() -> None:
    desk = EngineDesk()
    assert desk.send(desk.trigger(), waited=2.1) == [TOO_LATE]
    answers = desk.send(desk.trigger(), waited=1.5)
    desk.clock.advance(0.6)
    desk.ledger.answer()
    desk.deliver()
    assert (answers, started(desk)) == ([TOO_LATE], [])


def test_while_the_ledger_is_silent_more_runs_are_refused_at_once() -> None:
    desk = EngineDesk()
    desk.send(desk.trigger())
    desk.clock.advance(2.1)
    desk.engine.tick()
    assert desk.send(desk.trigger(job_id=2)) == [TOO_LATE]
    desk.ledger.answer()
    desk.deliver()
    assert desk.send(desk.trigger(job_id=2)) == []


def test_a_known_run_that_comes_late_is_not_withdrawn() -> None:
    desk = EngineDesk()
    trigger = desk.trigger()
    run = desk.accept(log_id=trigger.log_id)
    assert run is not None
    desk.finish(run)
    desk.deliver()
    desk.store()
    desk.deliver()
    desk.send(trigger)
    desk.clock.advance(2.1)
    desk.engine.tick()
    desk.ledger.answer()
    desk.deliver()
    assert desk.ledger.withdrawn == []
    assert [record.outcome for record in desk.outbox.told] == [RunOutcome.SUCCESS, RunOutcome.SUCCESS]


def test_a_second_delivery_while_the_first_is_stored_shares_its_answer() -> None:
    desk = EngineDesk()
    trigger = desk.trigger()
    first, second = desk.send(trigger), desk.send(trigger)
    desk.ledger.answer()
    desk.deliver()
    assert (first, second, started(desk)) == ([Answer()], [Answer()], [1])


def test_a_second_delivery_of_a_running_run_asks_no_ledger() -> None:
    desk = EngineDesk()
    trigger = desk.trigger()
    desk.accept(log_id=trigger.log_id)
    assert desk.send(trigger) == [Answer()]
    assert (len(desk.ledger.asked), started(desk)) == (0, [1])


def test_a_finished_run_delivered_again_while_its_job_discards_is_not_refused() -> None:
    desk = EngineDesk()
    trigger = desk.trigger(executorBlockStrategy="DISCARD_LATER")
    run = desk.accept(log_id=trigger.log_id)
    assert run is not None
    desk.finish(run)
    desk.settle_down()
    desk.accept(log_id=trigger.log_id + 1000)
    assert desk.send(trigger) == [Answer()]
    assert len(desk.outbox.told) == 2


def test_a_finished_run_delivered_again_when_its_handler_is_gone_is_not_refused() -> None:
    desk = EngineDesk()
    trigger = desk.trigger()
    run = desk.accept(log_id=trigger.log_id)
    assert run is not None
    desk.finish(run)
    desk.settle_down()
    assert desk.send(trigger._replace(handler="gone")) == [Answer()]


def test_a_finished_run_delivered_again_is_told_again_identically() -> None:
    desk = EngineDesk()
    trigger = desk.trigger()
    run = desk.accept(log_id=trigger.log_id)
    assert run is not None
    desk.finish(run)
    desk.deliver()
    desk.store()
    desk.deliver()
    answers = desk.send(trigger)
    desk.ledger.answer()
    desk.deliver()
    first, again = desk.outbox.told
    assert answers == [Answer()]
    assert (first.code, first.message) == (again.code, again.message)
    assert started(desk) == [1]


def test_the_console_hears_of_an_outcome_only_when_it_is_stored() -> None:
    desk = EngineDesk()
    run = desk.accept()
    assert run is not None
    desk.finish(run)
    desk.deliver()
    assert desk.outbox.told == []
    desk.store()
    desk.deliver()
    assert [record.outcome for record in desk.outbox.told] == [RunOutcome.SUCCESS]


def test_serial_runs_start_in_the_order_of_their_acceptance() -> None:
    desk = EngineDesk()
    for _ in range(3):
        desk.accept()
    for _ in range(3):
        desk.finish(desk.bodies.alive[0])
        desk.deliver()
    assert started(desk) == [1, 2, 3]


def test_runs_that_are_being_stored_count_for_the_queue() -> None:
    desk = EngineDesk(queue_size=1)
    answers = [desk.send(desk.trigger()) for _ in range(3)]
    assert answers == [[], [], [Answer(500, "the queue of this job is full: 1 runs are waiting")]]


def test_discard_later_is_refused_while_another_run_is_being_stored() -> None:
    desk = EngineDesk()
    desk.send(desk.trigger())
    answers = desk.send(desk.trigger(executorBlockStrategy="DISCARD_LATER"))
    assert answers == [Answer(500, "block strategy effect：Discard Later")]


def test_a_run_that_its_job_has_no_room_for_once_it_is_stored_is_discarded_and_told() -> None:
    desk = EngineDesk()
    answers = desk.send(desk.trigger(executorBlockStrategy="DISCARD_LATER"))
    desk.engine.resume(build_record(77, job_id=1, handler="a"), desk.definitions["a"])
    desk.ledger.answer()
    desk.deliver()
    desk.store()
    desk.deliver()
    assert answers == [Answer(500, "block strategy effect：Discard Later")]
    assert [(one.outcome, one.code) for one in desk.outbox.told] == [(RunOutcome.DISCARDED, 500)]


def test_cover_early_drops_the_queue_and_takes_the_place_of_the_running_run() -> None:
    desk = EngineDesk()
    first = desk.accept()
    assert first is not None
    desk.accept()
    desk.accept(executorBlockStrategy="COVER_EARLY")
    assert desk.bodies.stopped == [first]
    desk.finish(first)
    desk.deliver()
    desk.store()
    desk.deliver()
    assert started(desk) == [1, 3]
    assert desk.messages() == [
        "block strategy effect：Cover Early [job running, killed]",
        "block strategy effect：Cover Early [job not executed, in the job queue, killed.]",
    ]


def test_a_run_killed_before_it_had_a_place_never_begins_and_is_called_not_executed() -> None:
    desk = EngineDesk(max_concurrent_runs=1)
    desk.accept(job_id=1)
    desk.accept(job_id=2)
    desk.engine.kill(2)
    desk.deliver()
    desk.store()
    desk.deliver()
    assert desk.messages() == ["scheduling center kill job. [job not executed, in the job queue, killed.]"]
    assert desk.engine.idle_beat(2) == Answer()
    desk.finish(desk.bodies.alive[0])
    desk.deliver()
    assert started(desk) == [1]


def test_a_timeout_counts_from_the_start_of_the_body() -> None:
    desk = EngineDesk()
    run = desk.accept(executorTimeout=10)
    assert run is not None
    desk.clock.advance(60)
    assert run.result is None
    desk.begin(run)
    desk.deliver()
    desk.clock.advance(9.9)
    assert run.result is None
    desk.clock.advance(0.2)
    assert (run.result and run.result.code, desk.bodies.stopped) == (502, [run])


def test_a_run_that_ended_in_time_is_not_timed_out_later() -> None:
    desk = EngineDesk()
    run = desk.accept(executorTimeout=10)
    assert run is not None
    desk.begin(run)
    desk.finish(run)
    desk.accept()
    desk.clock.advance(60)
    assert [one.result for one in desk.bodies.alive] == [None]


def test_an_abandoned_run_keeps_its_job_busy_until_its_body_ends() -> None:
    desk, before = EngineDesk(), ABANDONED_RUNS.value(handler="a")
    run = abandon(desk)
    assert ABANDONED_RUNS.value(handler="a") == before + 1
    assert desk.engine.idle_beat(1) == BUSY
    assert desk.send(desk.trigger()) == [BLOCKED]
    assert desk.send(desk.trigger(executorBlockStrategy="COVER_EARLY")) == [BLOCKED]
    desk.finish(run)
    desk.deliver()
    assert desk.engine.idle_beat(1) == Answer()
    assert desk.accept() is not None


def test_an_abandoned_run_gives_up_its_place_among_all_runs() -> None:
    desk = EngineDesk(max_concurrent_runs=1)
    abandon(desk)
    assert desk.accept(job_id=2) is not None


def test_a_run_that_waits_behind_an_abandoned_one_is_told_why_it_never_began() -> None:
    desk = EngineDesk()
    run = desk.accept(executorTimeout=10)
    assert run is not None
    desk.accept()
    desk.begin(run)
    desk.deliver()
    desk.clock.advance(15)
    desk.deliver()
    desk.store()
    desk.deliver()
    assert desk.messages() == ["job execute timeout", "previous run still executing; use isolation=process"]
    assert started(desk) == [1]


def test_where_overlap_is_allowed_the_next_run_starts_beside_the_abandoned_one() -> None:
    desk = EngineDesk(overlap_after_abandon=True)
    run = desk.accept(executorTimeout=10)
    assert run is not None
    desk.accept()
    desk.begin(run)
    desk.deliver()
    desk.clock.advance(15)
    assert started(desk) == [1, 2]
    desk.settle_down()
    assert len(desk.engine) == 0


def test_overlap_can_be_allowed_while_a_job_is_blocked() -> None:
    desk = EngineDesk()
    abandon(desk)
    desk.set_limits(overlap_after_abandon=True)
    assert desk.engine.idle_beat(1) == Answer()
    assert desk.accept() is not None


def test_while_closing_everything_is_refused() -> None:
    desk = EngineDesk()
    desk.engine.is_closing = True
    assert (desk.engine.beat(), desk.engine.idle_beat(1)) == (CLOSING, CLOSING)
    assert desk.send(desk.trigger()) == [CLOSING]


def test_a_run_stored_while_closing_is_withdrawn_and_refused() -> None:
    desk = EngineDesk()
    answers = desk.send(desk.trigger())
    desk.engine.is_closing = True
    desk.ledger.answer()
    desk.deliver()
    assert answers == [CLOSING]
    assert (started(desk), desk.ledger.list_unfinished(), len(desk.engine)) == ([], [], 0)


def test_stopping_all_gives_every_run_its_outcome_whether_its_body_listens_or_not() -> None:
    desk = EngineDesk()
    desk.accept(job_id=1)
    desk.accept(job_id=1)
    desk.accept(job_id=2)
    desk.engine.stop_all("executor shutdown")
    desk.deliver()
    desk.store()
    desk.deliver()
    assert desk.messages() == ["executor shutdown"] * 3


@pytest.mark.parametrize("reason", ["ledger", "outbox"])
def test_at_the_bound_of_what_is_kept_for_the_console_new_runs_are_refused(reason: str) -> None:
    desk = EngineDesk()
    desk.ledger.full, desk.outbox.is_full = reason == "ledger", reason == "outbox"
    assert desk.send(desk.trigger()) == [
        Answer(500, "too many outcomes wait for the console: no new runs until it takes them")
    ]


def test_states_between_acceptance_and_outcome_reach_the_ledger_with_the_next_tick() -> None:
    desk = EngineDesk()
    run = desk.accept()
    assert run is not None
    desk.accept()
    desk.begin(run)
    desk.deliver()
    assert [record.state for record in desk.ledger.list_unfinished()] == [RunState.ACCEPTED, RunState.ACCEPTED]
    desk.engine.tick()
    assert [record.state for record in desk.ledger.list_unfinished()] == [RunState.RUNNING, RunState.QUEUED]


def test_a_run_that_is_over_before_the_next_tick_costs_no_writes_in_between() -> None:
    desk = EngineDesk()
    for _ in range(3):
        run = desk.accept()
        assert run is not None
        desk.begin(run)
        desk.finish(run)
        desk.deliver()
    desk.store()
    desk.deliver()
    desk.engine.tick()
    assert len(desk.engine) == 0


def test_a_resumed_run_starts_without_being_asked_for() -> None:
    desk = EngineDesk()
    desk.engine.resume(build_record(77, job_id=1, handler="a", attempt=2), desk.definitions["a"])
    assert [run.record.attempt for run in desk.bodies.alive] == [2]
    assert desk.engine.idle_beat(1) == BUSY


def test_a_log_is_finished_when_no_run_of_that_log_id_is_open() -> None:
    desk = EngineDesk()
    run = desk.accept(log_id=8)
    assert run is not None
    desk.accept(log_id=8, logDateTime=9)
    desk.finish(run)
    desk.deliver()
    assert not desk.engine.is_finished(8)
    desk.finish(desk.bodies.alive[0])
    desk.deliver()
    assert desk.engine.is_finished(8)
