"""Where the console keeps its runs: the port, and its memory twin."""

from collections import OrderedDict
from dataclasses import replace
from itertools import islice
from typing import Final, Protocol

from app.scheduler.models import MAX_MESSAGE_CHARS, ConsoleRun, Outcome, ResultCode

DEFAULT_KEEP: Final = 10_000


class RunRepository(Protocol):
    """Keeps runs by log id. Every method is one atomic step, so that an early callback and a late trigger answer can't
    undo one another."""

    async def add(self, run: ConsoleRun) -> None:
        """Stores a new run."""
        ...

    async def record_trigger(self, log_id: int, *, code: int, message: str) -> ConsoleRun | None:
        """Notes what the executor said to the trigger; returns the run, None for an unknown one."""
        ...

    async def record_outcome(self, outcome: Outcome, *, at_ms: int, over_failure: bool = False) -> bool:
        """Notes how a run ended. False, and nothing is changed, for an unknown run and for one that has an outcome.

        `over_failure` replaces an outcome that is no success.
        """
        ...

    async def find(self, log_id: int) -> ConsoleRun | None:
        """The run, or None."""
        ...

    async def list_recent(self, limit: int, handler: str | None = None) -> list[ConsoleRun]:
        """The newest runs first; of one handler, or of all."""
        ...


class MemoryRunRepository:
    """Keeps the newest `keep` runs in memory."""

    def __init__(self, keep: int = DEFAULT_KEEP) -> None:
        self._keep = keep
        self._runs: OrderedDict[int, ConsoleRun] = OrderedDict()

    async def add(self, run: ConsoleRun) -> None:
        self._runs[run.log_id] = run
        while len(self._runs) > self._keep:
            self._runs.popitem(last=False)

    async def record_trigger(self, log_id: int, *, code: int, message: str) -> ConsoleRun | None:
        run = self._runs.get(log_id)
        if run is None:
            return None
        run = replace(run, trigger_code=code, trigger_message=message[:MAX_MESSAGE_CHARS])
        self._runs[log_id] = run
        return run

    async def record_outcome(self, outcome: Outcome, *, at_ms: int, over_failure: bool = False) -> bool:
        run = self._runs.get(outcome.log_id)
        if run is None or run.handle_code == ResultCode.SUCCESS:
            return False
        if run.handle_code != ResultCode.PENDING and not over_failure:
            return False
        message = outcome.message[:MAX_MESSAGE_CHARS]
        self._runs[run.log_id] = replace(run, handle_code=outcome.code, handle_message=message, finished_at_ms=at_ms)
        return True

    async def find(self, log_id: int) -> ConsoleRun | None:
        return self._runs.get(log_id)

    async def list_recent(self, limit: int, handler: str | None = None) -> list[ConsoleRun]:
        newest = (run for run in reversed(self._runs.values()) if handler in {None, run.order.handler})
        return list(islice(newest, limit))
