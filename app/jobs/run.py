"""One run from its acceptance to its result, shared by the threads that work on it."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

from app.jobs.context import JobContext
from app.jobs.record import RunRecord, RunState
from app.jobs.registry import JobDefinition
from app.jobs.result import RunResult
from app.jobs.run_log import RunLog


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
        self.bad_parameter: Exception | None = None
        self.result: RunResult | None = None
        self.stop_event = threading.Event()
        self._lock = threading.Lock()

    def arguments(self) -> tuple[JobContext | None, ...]:
        """What the function is called with: its context, or nothing."""
        return (self.context,) if self.definition.takes_context else ()

    def mark(self, state: RunState) -> RunRecord:
        """The record one step further; unchanged once the result is fixed."""
        with self._lock:
            if self.result is None:
                started = datetime.now(UTC) if state is RunState.RUNNING else self.record.started_at
                self.record = replace(self.record, state=state, started_at=started)
            return self.record

    def fix(self, result: RunResult) -> bool:
        """Fixes the result; the first one wins. Returns whether this was it."""
        with self._lock:
            if self.result is not None:
                return False
            self.result = result
            self.record = replace(
                self.record,
                state=RunState.DONE,
                outcome=result.outcome,
                code=result.code,
                message=result.message,
                finished_at=datetime.now(UTC),
            )
            return True
