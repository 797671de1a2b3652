"""The ledger's memory twin: for tests, and for executors whose disk can't be written."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from app.jobs.ledger.base import KEPT_PARAMETER, Acceptance, RunQuery
from app.jobs.record import FINISHED, RunRecord, RunState

DEFAULT_KEEP: Final = 10_000


class MemoryRunLedger:
    """Keeps unreported runs for as long as they are, and the newest `keep` of the reported. Answers at once."""

    def __init__(self, keep: int = DEFAULT_KEEP, *, capacity: int = 100_000) -> None:
        self._keep = keep
        self._capacity = capacity
        self._open: OrderedDict[str, RunRecord] = OrderedDict()
        self._reported: OrderedDict[str, RunRecord] = OrderedDict()
        self._revocable: set[str] = set()
        self._sequence = 0
        self._lock = threading.RLock()

    def accept(self, record: RunRecord, answer: Callable[[Acceptance], None]) -> None:
        with self._lock:
            known = self.find(record.run_id)
            self._revocable.discard(record.run_id)
            if known is None:
                self._sequence += 1
                self._revocable.add(record.run_id)
                self._keep_record(replace(record, sequence=self._sequence))
        answer(Acceptance(known))

    def withdraw(self, run_id: str) -> None:
        with self._lock:
            if run_id in self._revocable:
                self._revocable.discard(run_id)
                self._open.pop(run_id, None)

    def update(self, record: RunRecord, stored: Callable[[], None] | None = None) -> None:
        with self._lock:
            self._revocable.discard(record.run_id)
            former = self._open.get(record.run_id)
            if former is not None and former.outcome is None:
                param = former.param if record.outcome is None else former.param[:KEPT_PARAMETER]
                self._keep_record(replace(record, sequence=former.sequence, param=param))
        if stored is not None:
            stored()

    def mark_reported(self, run_ids: Sequence[str]) -> None:
        with self._lock:
            for run_id in run_ids:
                record = self._open.get(run_id)
                if record is not None and record.state is RunState.DONE:
                    self._keep_record(replace(record, state=RunState.REPORTED))

    def find(self, run_id: str) -> RunRecord | None:
        with self._lock:
            return self._open.get(run_id) or self._reported.get(run_id)

    def list_runs(self, query: RunQuery) -> list[RunRecord]:
        newest = sorted(self._all(), key=lambda record: -record.sequence)
        return [record for record in newest if _fits(record, query)][: query.limit]

    def list_unreported(self, limit: int, after: int = 0) -> list[RunRecord]:
        with self._lock:
            done = [one for one in self._open.values() if one.state is RunState.DONE and one.sequence > after]
        return done[:limit]

    def list_unfinished(self) -> list[RunRecord]:
        with self._lock:
            return [record for record in self._open.values() if record.state not in FINISHED]

    @property
    def is_full(self) -> bool:
        return len(self._open) >= self._capacity

    def expire(self, before: datetime) -> int:
        with self._lock:
            old = [one.run_id for one in self._reported.values() if one.accepted_at and one.accepted_at < before]
            for run_id in old:
                del self._reported[run_id]
        return len(old)

    def close(self) -> None:
        """Nothing outlives the process."""

    def _keep_record(self, record: RunRecord) -> None:
        if record.state is not RunState.REPORTED:
            self._open[record.run_id] = record
            return
        self._open.pop(record.run_id, None)
        self._reported[record.run_id] = record
        while len(self._reported) > self._keep:
            self._reported.popitem(last=False)

    def _all(self) -> list[RunRecord]:
        with self._lock:
            return [*self._open.values(), *self._reported.values()]


def _fits(record: RunRecord, query: RunQuery) -> bool:
    return (
        (query.before is None or record.sequence < query.before)
        and query.handler in {None, record.handler}
        and query.job_id in {None, record.job_id}
        and query.log_id in {None, record.log_id}
        and (not query.states or record.state in query.states)
        and (not query.outcomes or record.outcome in query.outcomes)
    )
