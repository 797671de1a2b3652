"""The engine: which run starts, waits, is refused or stopped. All of its state belongs to the control loop."""

from collections import Counter, deque
from collections.abc import Sized
from functools import partial
from typing import Final

from app.common.errors import ValidationError
from app.common.logger import log
from app.common.metrics import ABANDONED_RUNS
from app.config.xxl_job_config import ExecutorConfiguration
from app.jobs.ledger.base import Acceptance as LedgerAnswer
from app.jobs.record import RunOutcome, RunRecord, RunState
from app.jobs.registry import JobDefinition
from app.jobs.result import FAILURE_CODE, RunResult, killed, timed_out
from app.jobs.run import Run
from app.xxl_job.executor import protocol
from app.xxl_job.executor.acceptance import PATIENCE_SECONDS, TOO_LATE, Acceptance, Acceptances, Reply
from app.xxl_job.executor.admission import build_record, run_id_of
from app.xxl_job.executor.engine_parts import EngineParts
from app.xxl_job.executor.places import Places
from app.xxl_job.executor.protocol import Answer, BlockStrategy, Trigger
from app.xxl_job.executor.slot import STILL_EXECUTING, Slot

_OK: Final = Answer()


class Engine:
    """Takes triggers and stops runs; receives the events of runs."""

    def __init__(self, parts: EngineParts) -> None:
        self._parts = parts
        self._current = parts.current
        self._slots: dict[int, Slot] = {}
        self._acceptances = Acceptances()
        self._runs: dict[str, Run] = {}
        self._open_logs: Counter[int] = Counter()
        self._places = Places(lambda: parts.current().limits)
        self._stepped: dict[Run, None] = {}
        self.is_closing = False

    def accept(self, trigger: Trigger, arrived: float, reply: Reply) -> None:
        """Has the run stored; `reply` is called once it is durable and has its place, or can't be taken any more.

        `arrived`: when the request did. Raises ValidationError with the reason of a refusal; then nothing has changed.
        """
        if self.is_closing:
            raise ValidationError(protocol.SHUTTING_DOWN)
        configuration = self._current()
        run_id = run_id_of(trigger, configuration)
        if self._is_here(run_id, reply):
            log.bind(job_id=trigger.job_id, log_id=trigger.log_id).warning("run delivered again")
            return
        if self._acceptances.is_stuck or self._parts.now() > arrived + PATIENCE_SECONDS:
            raise ValidationError(TOO_LATE)
        try:
            definition = self._check(trigger, configuration)
        except ValidationError:
            known = self._parts.ledger.find(run_id)
            if known is None:
                raise
            self._tell_again(known)  # what would be refused today was taken and run before
            reply(_OK)
            return
        record = build_record(trigger, configuration, self._parts.instance)
        run = Run(record, definition, trigger.timeout_seconds, trigger.raw)
        self._slots.setdefault(trigger.job_id, Slot()).storing += 1
        acceptance = Acceptance(run, trigger.strategy, arrived + PATIENCE_SECONDS, [reply])
        self._acceptances.add(acceptance)
        self._parts.ledger.accept(record, partial(self._parts.post, self._ledger_answered, acceptance))

    def resume(self, record: RunRecord, definition: JobDefinition) -> None:
        """Starts a stored run of a former process anew; it takes its turn behind those of its job."""
        run = Run(record, definition, record.timeout_seconds)
        self._place(run, BlockStrategy.SERIAL, self._slots.setdefault(record.job_id, Slot()))

    def kill(self, job_id: int) -> Answer:
        """Stops the job's run and its queue, each with a callback; doesn't wait for the job."""
        slot = self._slots.get(job_id)
        if slot is not None:
            self._clear(slot, protocol.KILLED + protocol.KILLED_RUNNING, protocol.KILLED + protocol.KILLED_QUEUED)
        return _OK

    def idle_beat(self, job_id: int) -> Answer:
        if self.is_closing:
            return Answer(protocol.FAIL, protocol.SHUTTING_DOWN)
        slot = self._slots.get(job_id)
        is_busy = slot is not None and slot.is_busy(self._current().limits)
        return Answer(protocol.FAIL, protocol.BUSY) if is_busy else _OK

    def beat(self) -> Answer:
        return Answer(protocol.FAIL, protocol.SHUTTING_DOWN) if self.is_closing else _OK

    def is_finished(self, log_id: int) -> bool:
        """Whether no run of that log id is waiting or running here."""
        return log_id not in self._open_logs

    def __len__(self) -> int:
        """Everything it remembers of runs: 0 once all have ended and every outcome is stored."""
        tables: tuple[Sized, ...] = (self._slots, self._acceptances, self._runs, self._open_logs, self._stepped)
        return sum(map(len, tables)) + len(self._places) + self._places.waiting

    @property
    def has_work(self) -> bool:
        """Whether any run waits, runs, or is being stopped; abandoned bodies don't count."""
        return any(slot.has_work for slot in self._slots.values())

    @property
    def has_unstored(self) -> bool:
        """Whether an outcome is still on its way into the ledger."""
        return bool(self._runs)

    def tick(self) -> None:
        """To be called some ten times a second: late acceptances, changed limits, steps worth keeping."""
        for acceptance in self._acceptances.expire(self._parts.now()):
            record = acceptance.run.record
            log.bind(job_id=record.job_id, log_id=record.log_id).error("run not taken: the ledger is too slow")
        self._fill()
        stepped, self._stepped = self._stepped, {}
        for run in stepped:
            if run.result is None:
                self._parts.ledger.update(run.record)

    def stop_all(self, reason: str) -> None:
        """Stops every run and empties every queue, each with its outcome."""
        for slot in list(self._slots.values()):
            self._clear(slot, reason, reason)

    def started(self, run: Run) -> None:
        """The timeout counts from here."""
        if run.result is not None:
            return
        self._stepped[run] = None
        slot = self._slots.get(run.record.job_id)
        if slot is not None and slot.running is run and run.timeout_seconds:
            slot.set_timer(self._parts.call_later(run.timeout_seconds, self._stop, slot, timed_out()))

    def settled(self, run: Run) -> None:
        """The outcome is fixed: it becomes durable, and only then the console's."""
        log_id = run.record.log_id
        self._open_logs[log_id] -= 1
        if not self._open_logs[log_id]:
            del self._open_logs[log_id]
        self._parts.ledger.update(run.record, partial(self._parts.post, self._outcome_stored, run))

    def ended(self, run: Run) -> None:
        """The body has ended: its place is free for the next."""
        slot = self._slots.get(run.record.job_id)
        self._places.leave(run)
        if slot is not None and slot.running is run:
            self._next(slot, run.record.job_id)
        elif slot is not None:
            slot.abandoned.discard(run)
            self._forget_if_empty(slot, run.record.job_id)
        self._fill()

    def _is_here(self, run_id: str, reply: Reply) -> bool:
        """Whether this process has the run already, or is just storing it."""
        if run_id in self._runs:
            reply(_OK)
            return True
        acceptance = self._acceptances.find(run_id)
        if acceptance is None:
            return False
        if acceptance.is_late:
            raise ValidationError(TOO_LATE)
        acceptance.replies.append(reply)
        return True

    def _check(self, trigger: Trigger, configuration: ExecutorConfiguration) -> JobDefinition:
        """The job of a trigger that may be taken. Raises ValidationError with the reason of a refusal."""
        definition = self._parts.definition_for(trigger)
        if definition is None:
            raise ValidationError(f"job handler [{trigger.handler}] not found.")
        if self._parts.outbox.is_full or self._parts.ledger.is_full:
            raise ValidationError("too many outcomes wait for the console: no new runs until it takes them")
        slot = self._slots.get(trigger.job_id)
        if slot is not None:
            reason = slot.find_refusal(trigger.strategy, configuration.limits, storing=slot.storing)
            if reason is not None:
                raise ValidationError(reason)
        return definition

    def _ledger_answered(self, acceptance: Acceptance, answer: LedgerAnswer) -> None:
        self._acceptances.take(acceptance)
        record = acceptance.run.record
        slot = self._slots[record.job_id]
        slot.storing -= 1
        acceptance.answer(self._decide(acceptance, answer, slot))
        self._forget_if_empty(slot, record.job_id)

    def _decide(self, acceptance: Acceptance, answer: LedgerAnswer, slot: Slot) -> Answer:
        record = acceptance.run.record
        if answer.error is not None:
            return Answer(protocol.FAIL, answer.error.message)
        if answer.known is not None:
            self._tell_again(answer.known)
            return _OK
        if self.is_closing or acceptance.is_late or self._parts.now() > acceptance.deadline:
            self._parts.ledger.withdraw(record.run_id)
            return Answer(protocol.FAIL, protocol.SHUTTING_DOWN if self.is_closing else TOO_LATE)
        return self._place(acceptance.run, acceptance.strategy, slot)

    def _tell_again(self, known: RunRecord) -> None:
        log.bind(job_id=known.job_id, log_id=known.log_id, state=str(known.state)).warning("run delivered again")
        if known.outcome is not None:
            self._parts.outbox.add(known)

    def _place(self, run: Run, strategy: BlockStrategy, slot: Slot) -> Answer:
        """Decides once more what the strategy means: the job may have changed while the run was being stored."""
        self._runs[run.record.run_id] = run
        self._open_logs[run.record.log_id] += 1
        refusal = slot.find_refusal(strategy, self._current().limits, storing=0)
        if refusal is not None:
            self._parts.chain.settle(run, RunResult(RunOutcome.DISCARDED, FAILURE_CODE, refusal))
            return Answer(protocol.FAIL, refusal)
        if slot.running is None:
            slot.running = run
            self._launch(run)
            return _OK
        run.mark(RunState.QUEUED)
        self._stepped[run] = None
        if strategy is BlockStrategy.COVER_EARLY:
            self._clear(
                slot, protocol.COVERED + protocol.KILLED_RUNNING, protocol.COVERED + protocol.KILLED_QUEUED, heir=run
            )
        else:
            slot.queue.append(run)
        return _OK

    def _launch(self, run: Run) -> None:
        self._places.enter(run)
        self._fill()

    def _fill(self) -> None:
        """Starts those that have waited longest, as many as the limits of now allow."""
        for run in self._places.take():
            self._parts.runner.start(run)

    def _next(self, slot: Slot, job_id: int) -> None:
        slot.set_timer(None)
        slot.running = slot.queue.popleft() if slot.queue else None
        if slot.running is not None:
            self._launch(slot.running)
        else:
            self._forget_if_empty(slot, job_id)

    def _forget_if_empty(self, slot: Slot, job_id: int) -> None:
        if slot.is_empty and self._slots.get(job_id) is slot:
            del self._slots[job_id]

    def _clear(self, slot: Slot, reason_running: str, reason_queued: str, heir: Run | None = None) -> None:
        """Empties the queue, for `heir` if there is one, and stops the running run."""
        dropped, slot.queue = slot.queue, deque([heir] if heir else [])
        running = slot.running
        if running is not None:
            never_began = self._places.is_waiting(running)
            self._stop(slot, killed(reason_queued if never_began else reason_running))
        for run in dropped:
            self._parts.chain.settle(run, killed(reason_queued))

    def _stop(self, slot: Slot, result: RunResult) -> None:
        run = slot.running
        if run is None or not self._parts.chain.settle(run, result):
            return
        if self._places.is_waiting(run):
            self._places.leave(run)
            self._next(slot, run.record.job_id)
            return
        slot.set_timer(self._parts.call_later(self._parts.abandon_seconds, self._abandon, slot, run))
        self._parts.runner.stop(run)

    def _abandon(self, slot: Slot, run: Run) -> None:
        """The run has its outcome and its body goes on: it gives up its place among all runs, not that of its job."""
        slot.running = None
        slot.abandoned.add(run)
        self._places.leave(run)
        run.close_log()
        ABANDONED_RUNS.inc(handler=run.record.handler)
        log.bind(job_id=run.record.job_id, log_id=run.record.log_id, job=run.record.handler).error("run abandoned")
        if slot.is_blocked(self._current().limits):
            dropped, slot.queue = slot.queue, deque()
            for waiting in dropped:
                self._parts.chain.settle(waiting, killed(STILL_EXECUTING))
        self._next(slot, run.record.job_id)
        self._fill()

    def _outcome_stored(self, run: Run) -> None:
        del self._runs[run.record.run_id]
        self._parts.outbox.add(run.record)
