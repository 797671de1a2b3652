"""An engine by hand: its ledger answers, its bodies move and its clock goes only when told to."""

import heapq
import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from app.common.errors import ValidationError
from app.config.settings import XxlJobSettings
from app.config.xxl_job_config import ExecutorConfiguration
from app.jobs.chain import RunChain
from app.jobs.ledger.base import Acceptance, LedgerUnavailable
from app.jobs.ledger.memory import MemoryRunLedger
from app.jobs.options import JobOptions
from app.jobs.record import RunOutcome, RunRecord, RunState
from app.jobs.registry import JobDefinition, build_definition
from app.jobs.result import RunResult, succeeded
from app.jobs.run import Run
from app.jobs.run_log import MemoryRunLog
from app.jobs.states import is_allowed
from app.xxl_job.executor.admission import run_id_of
from app.xxl_job.executor.engine import Engine
from app.xxl_job.executor.engine_parts import EngineParts
from app.xxl_job.executor.protocol import Answer, Trigger, parse_trigger


class Timer:
    """As much of a timer handle as the engine uses."""

    def __init__(self, callback: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self._callback = callback
        self._args = args
        self._cancelled = False

    def cancel(self) -> None:
        self._cancelled = True

    def ring(self) -> None:
        if not self._cancelled:
            self._callback(*self._args)


class ManualClock:
    """Seconds pass by `advance` only."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()

    def call_later(self, delay: float, callback: Callable[..., Any], *args: Any) -> Timer:
        timer = Timer(callback, args)
        heapq.heappush(self._timers, (self.now + delay, next(self._order), timer))
        return timer

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while self._timers and self._timers[0][0] <= end:
            self.now, _, timer = heapq.heappop(self._timers)
            timer.ring()
        self.now = end


class HeldLedger(MemoryRunLedger):
    """Answers when told to, in its order; keeps an eye on the table of states."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: deque[tuple[RunRecord, Callable[[Acceptance], None]]] = deque()
        self.unsaid: deque[Callable[[], None]] = deque()
        self.illegal: list[tuple[RunState | None, RunState]] = []
        self.withdrawn: list[str] = []
        self.full = False

    def accept(self, record: RunRecord, answer: Callable[[Acceptance], None]) -> None:
        self.asked.append((record, answer))

    def answer(self, *, fails: bool = False) -> None:
        record, answer = self.asked.popleft()
        if fails:
            answer(Acceptance(error=LedgerUnavailable("the disk is full")))
        else:
            super().accept(record, answer)

    def withdraw(self, run_id: str) -> None:
        self.withdrawn.append(run_id)
        super().withdraw(run_id)

    def update(self, record: RunRecord, stored: Callable[[], None] | None = None) -> None:
        former = self.find(record.run_id)
        before = None if former is None else former.state
        if not is_allowed(before, record.state):
            self.illegal.append((before, record.state))
        super().update(record)
        if stored is not None:
            self.unsaid.append(stored)

    @property
    def is_full(self) -> bool:
        return self.full


class HandBodies:
    """Bodies that begin and end by hand, whatever they are asked."""

    def __init__(self) -> None:
        self.alive: list[Run] = []
        self.stopped: list[Run] = []
        self.started: list[str] = []
        self.started_logs: list[int] = []

    def start(self, run: Run) -> None:
        self.alive.append(run)
        self.started.append(run.record.run_id)
        self.started_logs.append(run.record.log_id)

    def stop(self, run: Run) -> None:
        self.stopped.append(run)


@dataclass
class ListOutbox:
    told: list[RunRecord] = field(default_factory=list)
    is_full: bool = False

    def add(self, record: RunRecord) -> None:
        self.told.append(record)


class PostedByHand:
    """The events of runs, on their way to the engine until delivered."""

    def __init__(self) -> None:
        self.letters: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self.engine: Engine | None = None

    def post(self, receive: Callable[..., None], *values: Any) -> None:
        self.letters.append((receive, values))

    def started(self, run: Run) -> None:
        self.post(cast("Engine", self.engine).started, run)

    def settled(self, run: Run) -> None:
        self.post(cast("Engine", self.engine).settled, run)

    def ended(self, run: Run) -> None:
        self.post(cast("Engine", self.engine).ended, run)


class EngineDesk:
    """The engine with everything around it in the test's hand."""

    def __init__(self, **limits: Any) -> None:
        self.clock, self.ledger, self.bodies, self.outbox = ManualClock(), HeldLedger(), HandBodies(), ListOutbox()
        self.mail = PostedByHand()
        self.definitions: dict[str, JobDefinition] = {}
        self.settled: list[tuple[str, RunOutcome, float]] = []
        self.chain = RunChain((), (self._note,), self.mail, lambda _: MemoryRunLog())
        self.log_ids = itertools.count(1)
        self.configuration = self._configured(limits)
        self.engine = Engine(
            EngineParts(
                definition_for=lambda trigger: self.definitions.get(trigger.handler),
                instance="executor-a-0",
                ledger=self.ledger,
                outbox=self.outbox,
                chain=self.chain,
                runner=self.bodies,
                current=lambda: self.configuration,
                post=self.mail.post,
                call_later=cast("Any", self.clock.call_later),
                now=lambda: self.clock.now,
                abandon_seconds=5,
            )
        )
        self.mail.engine = self.engine
        for name in ("a", "b", "c"):
            self.define(name)

    def _note(self, run: Run, result: RunResult) -> None:
        self.settled.append((run.record.run_id, result.outcome, self.clock.now))

    @staticmethod
    def _configured(limits: dict[str, Any]) -> ExecutorConfiguration:
        section = XxlJobSettings(**limits)
        return ExecutorConfiguration(("http://console/x",), "test", "127.0.0.1", 0, "token", "", "", section)

    def set_limits(self, **limits: Any) -> None:
        self.configuration = self._configured(limits)

    def define(self, name: str, max_concurrent: int | None = None) -> None:
        options = JobOptions(max_concurrent=max_concurrent)
        self.definitions[name] = build_definition(name, lambda: None, options=options)

    def trigger(self, handler: str = "a", job_id: int = 1, **fields: Any) -> Trigger:
        log_id = fields.pop("log_id", None) or next(self.log_ids)
        return parse_trigger({"executorHandler": handler, "jobId": job_id, "logId": log_id, "logDateTime": 7, **fields})

    def run_id(self, trigger: Trigger) -> str:
        return run_id_of(trigger, self.configuration)

    def send(self, trigger: Trigger, waited: float = 0.0) -> list[Answer]:
        """Hands a trigger over; the list holds the answer once there is one."""
        answers: list[Answer] = []
        try:
            self.engine.accept(trigger, self.clock.now - waited, answers.append)
        except ValidationError as error:
            answers.append(Answer(500, error.message))
        return answers

    def accept(self, handler: str = "a", job_id: int = 1, **fields: Any) -> Run | None:
        """A run that is stored at once; returns its body's run if it began."""
        before = len(self.bodies.alive)
        answers = self.send(self.trigger(handler, job_id, **fields))
        self.ledger.answer()
        self.deliver()
        assert answers == [Answer()]
        return self.bodies.alive[-1] if len(self.bodies.alive) > before else None

    def begin(self, run: Run) -> None:
        if run.result is None:
            run.mark(RunState.RUNNING)
            self.mail.started(run)

    def finish(self, run: Run) -> None:
        """The handler returns, and its body ends."""
        self.bodies.alive.remove(run)
        self.chain.settle(run, succeeded("done"))
        self.mail.ended(run)

    def deliver(self, letters: int = 1_000_000) -> None:
        while self.mail.letters and letters:
            receive, values = self.mail.letters.popleft()
            receive(*values)
            letters -= 1

    def store(self) -> None:
        """Every outcome handed over so far has lasted."""
        while self.ledger.unsaid:
            self.ledger.unsaid.popleft()()

    def settle_down(self) -> None:
        """All that is under way comes to its end."""
        while self.ledger.asked:
            self.ledger.answer()
        self.deliver()
        while self.bodies.alive:
            for run in list(self.bodies.alive):
                self.finish(run)
            self.deliver()
        self.store()
        self.deliver()
        self.engine.tick()

    def messages(self) -> list[str]:
        return [record.message for record in self.outbox.told]
