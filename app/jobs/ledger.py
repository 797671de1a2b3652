"""The run ledger port: every accepted run and every outcome, kept once; and its memory twin."""

import threading
from collections import OrderedDict
from dataclasses import replace
from typing import Final, Protocol

from app.jobs.record import RunRecord

DEFAULT_KEEP: Final = 10_000
KEPT_PARAM: Final = 4_000


class RunLedger(Protocol):
    """Keeps run records by `run_id`. Called from several threads."""

    def put(self, record: RunRecord) -> None:
        """Stores a record in place of the former one of the same run. An outcome that is fixed is never replaced."""
        ...

    def find(self, run_id: str) -> RunRecord | None:
        """The record of a run, or None."""
        ...

    def list_recent(self, limit: int = 100) -> list[RunRecord]:
        """The newest records first."""
        ...


class MemoryRunLedger:
    """Keeps the newest `keep` runs in memory, each with the beginning of its parameter, which may be megabytes."""

    def __init__(self, keep: int = DEFAULT_KEEP) -> None:
        self._keep = keep
        self._records: OrderedDict[str, RunRecord] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, record: RunRecord) -> None:
        with self._lock:
            former = self._records.get(record.run_id)
            if former is not None and former.outcome is not None:
                return
            self._records[record.run_id] = replace(record, param=record.param[:KEPT_PARAM])
            while len(self._records) > self._keep:
                self._records.popitem(last=False)

    def find(self, run_id: str) -> RunRecord | None:
        with self._lock:
            return self._records.get(run_id)

    def list_recent(self, limit: int = 100) -> list[RunRecord]:
        with self._lock:
            newest = list(reversed(self._records.values()))
        return newest[:limit]
