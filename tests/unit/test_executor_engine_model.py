"""The engine under any order of events: what the promises say holds after each of them."""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from app.jobs.record import RunOutcome, RunState
from app.jobs.run import Run
from app.xxl_job.executor.protocol import OK, Answer, Trigger
from support.engine_desk import EngineDesk

JOBS = st.integers(1, 3)
HANDLERS = st.sampled_from(["a", "c"])
STRATEGIES = st.sampled_from(["SERIAL_EXECUTION", "SERIAL_EXECUTION", "DISCARD_LATER", "COVER_EARLY"])
PICK = st.integers(0, 1000)
LIMITS: dict[str, Any] = {"queue_size": 2, "max_concurrent_runs": 3, "job_limits": {"c": 1}}


class EngineModel(RuleBasedStateMachine):
    """Keeps what was answered and what was seen, apart from the engine's own tables."""

    overlap = False

    def __init__(self) -> None:
        super().__init__()
        self.desk = EngineDesk(**LIMITS, overlap_after_abandon=self.overlap)
        self.sent: list[tuple[Trigger, list[Answer]]] = []
        self.begun: dict[str, float] = {}

    @rule(job_id=JOBS, handler=HANDLERS, strategy=STRATEGIES, timeout=st.sampled_from([0, 3]), waited=st.floats(0, 2.5))
    def trigger(self, job_id: int, handler: str, strategy: str, timeout: int, waited: float) -> None:
        trigger = self.desk.trigger(handler, job_id, executorBlockStrategy=strategy, executorTimeout=timeout)
        self.sent.append((trigger, self.desk.send(trigger, waited)))

    @rule(job_id=JOBS, handler=HANDLERS, strategy=STRATEGIES)
    def trigger_and_store(self, job_id: int, handler: str, strategy: str) -> None:
        self.trigger(job_id, handler, strategy, 3, 0)
        while self.desk.ledger.asked:
            self.desk.ledger.answer()
        self.desk.deliver()

    @precondition(lambda self: self.sent)
    @rule(which=PICK)
    def deliver_again(self, which: int) -> None:
        trigger, _ = self.sent[which % len(self.sent)]
        self.sent.append((trigger, self.desk.send(trigger)))

    @precondition(lambda self: self.desk.ledger.asked)
    @rule(fails=st.integers(0, 4))
    def ledger_answers(self, fails: int) -> None:
        self.desk.ledger.answer(fails=fails == 0)

    @precondition(lambda self: self.desk.ledger.unsaid)
    @rule()
    def outcome_lasts(self) -> None:
        self.desk.ledger.unsaid.popleft()()

    @precondition(lambda self: self.desk.mail.letters)
    @rule(letters=st.integers(1, 5))
    def mail_comes(self, letters: int) -> None:
        self.desk.deliver(letters)

    @precondition(lambda self: self.desk.bodies.alive)
    @rule(which=PICK)
    def body_begins(self, which: int) -> None:
        run = self._alive(which)
        if run.record.run_id not in self.begun:
            self.begun[run.record.run_id] = self.desk.clock.now
            self.desk.begin(run)

    @precondition(lambda self: self.desk.bodies.alive)
    @rule(which=PICK)
    def body_begins_and_takes_too_long(self, which: int) -> None:
        self.body_begins(which)
        self.desk.deliver()
        self.time_passes(3)
        self.time_passes(6)

    @precondition(lambda self: self.desk.bodies.alive)
    @rule(which=PICK)
    def body_ends(self, which: int) -> None:
        self.desk.finish(self._alive(which))

    @rule(seconds=st.sampled_from([0.1, 1.0, 3.0, 6.0]))
    def time_passes(self, seconds: float) -> None:
        self.desk.clock.advance(seconds)
        self.desk.engine.tick()

    @rule(job_id=JOBS)
    def kill(self, job_id: int) -> None:
        self.desk.engine.kill(job_id)

    @rule(most=st.integers(1, 4), of_c=st.integers(1, 3))
    def limits_change(self, most: int, of_c: int) -> None:
        limits = {**LIMITS, "max_concurrent_runs": most, "job_limits": {"c": of_c}}
        self.desk.set_limits(**limits, overlap_after_abandon=self.overlap)
        self.desk.engine.tick()

    @precondition(lambda self: len(self.sent) > 12)
    @rule()
    def drain(self) -> None:
        self.desk.engine.is_closing = True
        self.desk.engine.stop_all("executor shutdown")

    @invariant()
    def no_job_has_two_bodies(self) -> None:
        if not self.overlap:
            jobs = [run.record.job_id for run in self.desk.bodies.alive]
            assert len(jobs) == len(set(jobs))

    @invariant()
    def no_run_starts_twice_or_unstored(self) -> None:
        started = self.desk.bodies.started
        assert len(started) == len(set(started))
        assert all(self.desk.ledger.find(run_id) for run_id in started)

    @invariant()
    def states_follow_the_table(self) -> None:
        assert self.desk.ledger.illegal == []

    @invariant()
    def the_queue_is_bounded(self) -> None:
        unfinished = [one for one in self.desk.ledger.list_unfinished() if one.run_id not in self.desk.bodies.started]
        for job_id in (1, 2, 3):
            covering = sum(one.job_id == job_id and one.run_id in self._covering() for one in unfinished)
            assert sum(one.job_id == job_id for one in unfinished) <= 1 + LIMITS["queue_size"] + covering

    @invariant()
    def idle_beat_tells_the_truth(self) -> None:
        if self.desk.engine.is_closing or self.desk.mail.letters:
            return
        for job_id in (1, 2, 3):
            idle = self.desk.engine.idle_beat(job_id).code == OK
            assert idle is not self._is_busy(job_id)

    @invariant()
    def each_outcome_is_fixed_once_and_no_run_times_out_early(self) -> None:
        settled = [run_id for run_id, _, _ in self.desk.settled]
        assert len(settled) == len(set(settled))
        for run_id, outcome, at in self.desk.settled:
            assert outcome is not RunOutcome.TIMEOUT or at - self.begun[run_id] > 2.999

    @invariant()
    def what_the_console_is_told_never_changes(self) -> None:
        told: dict[str, tuple[Any, ...]] = {}
        for record in self.desk.outbox.told:
            said = (record.outcome, record.code, record.message)
            assert told.setdefault(record.run_id, said) == said

    def teardown(self) -> None:
        self.desk.settle_down()
        self.desk.clock.advance(100)
        self.desk.settle_down()
        assert len(self.desk.engine) == 0
        records = {one.run_id: one for one in self.desk.ledger.list_unreported(10_000)}
        assert self.desk.ledger.list_unfinished() == []
        assert {one.run_id for one in self.desk.outbox.told} == set(records)
        taken: set[str] = set()
        for trigger, answers in self.sent:
            (answer,) = answers
            run_id = self.desk.run_id(trigger)
            taken |= {run_id} if answer.code == OK else set()
            assert answer.code != OK or records[run_id].state is RunState.DONE
        assert taken.issuperset(self.desk.bodies.started)
        assert {one.run_id for one in records.values() if one.outcome is not RunOutcome.DISCARDED} <= taken

    def _alive(self, which: int) -> Run:
        return self.desk.bodies.alive[which % len(self.desk.bodies.alive)]

    def _covering(self) -> set[str]:
        return {self.desk.run_id(one) for one, _ in self.sent if one.raw["executorBlockStrategy"] == "COVER_EARLY"}

    def _is_busy(self, job_id: int) -> bool:
        """Runs of the job without an outcome, on their way into the ledger, or with a body that goes on."""
        storing = {record.job_id for record, _ in self.desk.ledger.asked}
        open_jobs = {record.job_id for record in self.desk.ledger.list_unfinished()}
        gone_on = {run.record.job_id for run in self.desk.bodies.alive if not (self.overlap and run.result)}
        stopping = {run.record.job_id for run in self.desk.bodies.alive} if self.overlap else set()
        if self.overlap and job_id in stopping - storing - open_jobs - gone_on:
            return self.desk.engine.idle_beat(job_id).code != OK  # busy until it is given up, idle then
        return job_id in storing | open_jobs | gone_on


class OverlappingModel(EngineModel):
    overlap = True


@pytest.mark.parametrize("model", [EngineModel, OverlappingModel])
def test_the_promises_hold_in_any_order_of_events(model: type[EngineModel]) -> None:
    sized = settings(
        max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    assert run_state_machine_as_test(model, settings=sized) is None


@pytest.mark.soak
@pytest.mark.parametrize("model", [EngineModel, OverlappingModel])
def test_the_promises_hold_in_very_many_orders_of_events(model: type[EngineModel]) -> None:
    sized = settings(
        max_examples=5000, stateful_step_count=80, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    assert run_state_machine_as_test(model, settings=sized) is None
