"""A ledger that answers late: the memory twin with a disk that takes its time."""

import threading
from collections.abc import Callable

from app.jobs.ledger.base import Acceptance
from app.jobs.ledger.memory import MemoryRunLedger
from app.jobs.record import RunRecord


class SlowLedger(MemoryRunLedger):
    """Acceptances are kept and answered `seconds` later, in a thread of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0

    def accept(self, record: RunRecord, answer: Callable[[Acceptance], None]) -> None:
        timer = threading.Timer(self.seconds, super().accept, (record, answer))
        timer.daemon = True
        timer.start()
