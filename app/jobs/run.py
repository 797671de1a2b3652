"""One run from its acceptance to its result, shared by the threads that work on it."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

from app.jobs.context import JobContext
from app.jobs.record import RunRecord, RunState, stepped
from app.jobs.registry import JobDefinition
from app.jobs.result import RunResult
from app.jobs.run_log import OpenRunLog, RunLog
from app.jobs.stop_flag import StopFlag


class RunEvents(Protocol):
    """Told of a run's steps, from any thread."""

    def started(self, run: "Run") -> None: ...

    def settled(self, run: "Run") -> None:
        """The result is fixed; the body may still be working."""
        ...

    def ended(self, run: "Run") -> None:
        """The body has really ended."""
        ...


class Run:
    """Mutable on purpose: the frozen views of it are `record` and `context`."""

    def __init__(
        self,
        record: RunRecord,
        definition: JobDefinition,
        timeout_seconds: float | None = None,
        fields: Mapping[str, Any] | None = None,
    ) -> None:
        """`fields`: the request as the trigger sent it, for handlers of other makes that read the original."""
        self.record = record
        self.definition = definition
        self.timeout_seconds = timeout_seconds
        self.fields: Mapping[str, Any] = fields or {}
        self.context: JobContext | None = None
        self.log: RunLog | None = None
        """Open while somebody holds it; see `take_log`."""
        self.bad_parameter: Exception | None = None
        self.result: RunResult | None = None
        self.stop_event = StopFlag()
        self._lock = threading.Lock()
        self._log_holders = 0

    def arguments(self) -> tuple[JobContext | None, ...]:
        """What the function is called with: its context, or nothing."""
        return (self.context,) if self.definition.takes_context else ()

    def take_log(self, open_log: OpenRunLog) -> RunLog:
        """The run's log: opened by whoever comes first, closed when the last has given it back."""
        with self._lock:
            if self.log is None:
                self.log = open_log(self.record)
            self._log_holders += 1
            return self.log

    def give_back_log(self) -> None:
        with self._lock:
            self._log_holders -= 1
            given_back = self.log if self._log_holders == 0 else None
            if given_back is not None:
                self.log = None
        if given_back is not None:
            given_back.close()

    def close_log(self) -> None:
        """Whoever holds it: for a body that is given up. What that still writes is in the process's log only."""
        with self._lock:
            held, self.log = self.log, None
        if held is not None:
            held.close()

    def begin_attempt(self) -> None:
        """The body is tried again; its context says so."""
        with self._lock:
            if self.result is None:
                self.record = stepped(self.record, attempt=self.record.attempt + 1)
        if self.context is not None:
            self.context = replace(self.context, attempt=self.record.attempt)

    def mark(self, state: RunState) -> RunRecord:
        """The record one step further; unchanged once the result is fixed."""
        with self._lock:
            if self.result is None:
                started = datetime.now(UTC) if state is RunState.RUNNING else self.record.started_at
                self.record = stepped(self.record, state=state, started_at=started)
            return self.record

    def fix(self, result: RunResult) -> bool:
        """Fixes the result; the first one wins. Returns whether this was it."""
        with self._lock:
            if self.result is not None:
                return False
            self.result = result
            self.record = stepped(
                self.record,
                state=RunState.DONE,
                outcome=result.outcome,
                code=result.code,
                message=result.message,
                finished_at=datetime.now(UTC),
            )
            return True
