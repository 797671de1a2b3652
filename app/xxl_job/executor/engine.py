"""The engine: which run starts, waits, is refused or stopped. All of its state belongs to the control loop."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from app.common.errors import ValidationError
from app.common.logger import log
from app.common.metrics import ABANDONED_RUNS
from app.config.xxl_job_config import ExecutorConfiguration
from app.jobs.chain import RunChain
from app.jobs.record import RunState
from app.jobs.registry import JobDefinition, JobRegistry
from app.jobs.result import RunResult, killed, timed_out
from app.jobs.run import Run
from app.jobs.runner import JobRunner
from app.xxl_job.executor import protocol
from app.xxl_job.executor.admission import Admission
from app.xxl_job.executor.callback import build_callback
from app.xxl_job.executor.protocol import Answer, BlockStrategy, Trigger
from app.xxl_job.executor.slot import Slot

ABANDON_SECONDS: Final = 5.0
STILL_EXECUTING: Final = (
    "previous run still executing: it was stopped and goes on; a plain function must ask ctx.should_stop()"
)


class Engine:
    """Takes triggers and stops runs; receives the events of runs."""

    def __init__(
        self,
        *,
        registry: JobRegistry,
        admission: Admission,
        chain: RunChain,
        runner: JobRunner,
        current: Callable[[], ExecutorConfiguration],
        abandon_seconds: float = ABANDON_SECONDS,
    ) -> None:
        self._registry = registry
        self._admission = admission
        self._chain = chain
        self._runner = runner
        self._current = current
        self._abandon_seconds = abandon_seconds
        self._slots: dict[int, Slot] = {}
        self._unfinished: dict[int, Run] = {}
        self._active: set[Run] = set()
        self._waiting: deque[Run] = deque()
        self._idle = asyncio.Event()
        self._idle.set()
        self.is_closing = False

    def accept(self, trigger: Trigger) -> Answer:
        """Starts or queues a run. Raises ValidationError with the reason why not; then nothing has changed."""
        if self.is_closing:
            raise ValidationError(protocol.SHUTTING_DOWN)
        definition = self._registry.find(trigger.handler)
        if definition is None:
            raise ValidationError(f"job handler [{trigger.handler}] not found.")
        configuration = self._current()
        if self._is_known(trigger, configuration):
            return Answer()
        if self._admission.outbox.is_full:
            raise ValidationError("too many callbacks wait for the console: no new runs until it takes them")
        slot = self._slots.get(trigger.job_id)
        if slot is not None:
            self._refuse(slot, trigger, configuration)
        self._take(slot, trigger, definition, configuration)
        return Answer()

    def kill(self, job_id: int) -> Answer:
        """Stops the job's run and its queue, each with a callback; doesn't wait for the job."""
        slot = self._slots.get(job_id)
        if slot is not None:
            self._clear(slot, protocol.KILLED + protocol.KILLED_RUNNING, protocol.KILLED + protocol.KILLED_QUEUED)
        return Answer()

    def idle_beat(self, job_id: int) -> Answer:
        if self.is_closing:
            return Answer(protocol.FAIL, protocol.SHUTTING_DOWN)
        return Answer(protocol.FAIL, protocol.BUSY) if job_id in self._slots else Answer()

    def beat(self) -> Answer:
        return Answer(protocol.FAIL, protocol.SHUTTING_DOWN) if self.is_closing else Answer()

    def is_finished(self, log_id: int) -> bool:
        """Whether no run of that log id is waiting or running here."""
        return log_id not in self._unfinished

    async def drain(self, seconds: float, hurry: asyncio.Event) -> None:
        """Takes no more runs, waits for those there are, and stops what is left after `seconds` or on `hurry`."""
        self.is_closing = True
        async with asyncio.TaskGroup() as group:
            waits = [group.create_task(self._until_idle(seconds)), group.create_task(_wait(hurry))]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
        for slot in list(self._slots.values()):
            self._clear(slot, protocol.SHUTDOWN, protocol.SHUTDOWN)
        await self._until_idle(min(self._abandon_seconds, 1.0))

    def started(self, run: Run) -> None:
        """The timeout counts from here."""
        slot = self._slots.get(run.record.job_id)
        if slot is not None and slot.running is run and run.timeout_seconds and run.result is None:
            loop = asyncio.get_running_loop()
            slot.set_timer(loop.call_later(run.timeout_seconds, self._stop, slot, timed_out()))

    def settled(self, run: Run) -> None:
        result = run.result
        if result is None:
            return
        if self._unfinished.get(run.record.log_id) is run:
            del self._unfinished[run.record.log_id]
        self._admission.outbox.add(build_callback(run.record, result.code, result.message))

    def ended(self, run: Run) -> None:
        """The body has ended: its place is free for the next."""
        self._active.discard(run)
        slot = self._slots.get(run.record.job_id)
        if slot is not None and slot.running is run:
            slot.set_timer(None)
            self._next(slot)
        self._fill()

    def _is_known(self, trigger: Trigger, configuration: ExecutorConfiguration) -> bool:
        known = self._admission.find_known(trigger, configuration)
        if known is None:
            return False
        log.bind(job_id=trigger.job_id, log_id=trigger.log_id, state=str(known.state)).warning("run delivered again")
        if known.outcome is not None and not self._admission.outbox.is_pending(known.run_id):
            self._admission.outbox.add(build_callback(known, known.code or protocol.FAIL, known.message))
        return True

    def _refuse(self, slot: Slot, trigger: Trigger, configuration: ExecutorConfiguration) -> None:
        if slot.abandoned:
            raise ValidationError(STILL_EXECUTING)
        if trigger.strategy is BlockStrategy.DISCARD_LATER:
            raise ValidationError(protocol.DISCARDED)
        if trigger.strategy is BlockStrategy.SERIAL and len(slot.queue) >= configuration.limits.queue_size:
            raise ValidationError(f"the queue of this job is full: {len(slot.queue)} runs are waiting")

    def _take(
        self, slot: Slot | None, trigger: Trigger, definition: JobDefinition, configuration: ExecutorConfiguration
    ) -> None:
        record = self._admission.build_record(trigger, configuration)
        run = Run(record, definition, trigger.timeout_seconds, trigger.raw)
        self._unfinished[trigger.log_id] = run
        if slot is None:
            self._admission.ledger.put(record)
            self._slots[trigger.job_id] = Slot(run)
            self._idle.clear()
            self._launch(run)
            return
        self._admission.ledger.put(run.mark(RunState.QUEUED))
        if trigger.strategy is BlockStrategy.COVER_EARLY:
            self._clear(
                slot, protocol.COVERED + protocol.KILLED_RUNNING, protocol.COVERED + protocol.KILLED_QUEUED, heir=run
            )
        else:
            slot.queue.append(run)

    def _launch(self, run: Run) -> None:
        self._waiting.append(run)
        self._fill()

    def _fill(self) -> None:
        """Starts those that have waited longest, as many as the limit of now allows."""
        while self._waiting and len(self._active) < self._current().limits.max_concurrent_runs:
            run = self._waiting.popleft()
            self._active.add(run)
            self._runner.start(run)

    def _next(self, slot: Slot) -> None:
        if slot.queue:
            slot.running, slot.abandoned = slot.queue.popleft(), False
            self._launch(slot.running)
            return
        del self._slots[slot.running.record.job_id]
        self._look_idle()

    def _clear(self, slot: Slot, reason_running: str, reason_queued: str, heir: Run | None = None) -> None:
        """Empties the queue, for `heir` if there is one, and stops the running run."""
        dropped, slot.queue = slot.queue, deque([heir] if heir else [])
        self._stop(slot, killed(reason_running))
        for run in dropped:
            self._chain.settle(run, killed(reason_queued))

    def _stop(self, slot: Slot, result: RunResult) -> None:
        run = slot.running
        if not self._chain.settle(run, result):
            return
        if run in self._waiting:  # it waits for a free place and has never begun
            self._waiting.remove(run)
            self._next(slot)
            return
        loop = asyncio.get_running_loop()
        slot.set_timer(loop.call_later(self._abandon_seconds, self._abandon, slot))
        self._runner.stop(run)

    def _abandon(self, slot: Slot) -> None:
        run, dropped = slot.running, slot.queue
        slot.abandoned, slot.queue = True, deque()
        self._active.discard(run)
        ABANDONED_RUNS.inc(handler=run.record.handler)
        log.bind(job_id=run.record.job_id, log_id=run.record.log_id, job=run.record.handler).error("run abandoned")
        for waiting in dropped:
            self._chain.settle(waiting, killed(STILL_EXECUTING))
        self._fill()
        self._look_idle()

    def _look_idle(self) -> None:
        if all(slot.abandoned for slot in self._slots.values()):
            self._idle.set()

    async def _until_idle(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return


async def _wait(event: asyncio.Event) -> None:
    await event.wait()
