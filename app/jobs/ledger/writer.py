"""The one thread that writes the ledger: everything that waits goes into one transaction."""

import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from app.common.logger import log
from app.common.pace import Pace
from app.common.supervision import failure_of_call
from app.jobs.ledger.base import Acceptance
from app.jobs.ledger.outage import Outage, reason_of, unavailable
from app.jobs.ledger.store import NEW, LedgerStore
from app.jobs.ledger.waiting import WaitingWrites
from app.jobs.ledger.writes import MOST_WRITES, Accept, Batch, Update, Write, batch_of, take_batch

CLOSED: Final = "it is closed"
BRISK_PER_SECOND: Final = 1000.0
LINGER_SECONDS: Final = 0.002
"""A transaction of two writes costs nearly as much as one of twenty."""


@dataclass(eq=False)
class Chore:
    """Work on the file that isn't about one run; done between two transactions."""

    work: Callable[[], int]
    result: "Future[int]" = field(default_factory=Future)

    def do(self) -> None:
        error = failure_of_call(lambda: self.result.set_result(self.work()))
        if error is not None:
            self.result.set_exception(unavailable(reason_of(error)))


class _Close:
    """Nothing comes after it."""


class LedgerWriter:
    """Takes writes from any thread and never makes them wait.

    What is put is only appended: a thread is woken by it if the writer sleeps, which it does not while much comes in.
    """

    def __init__(
        self,
        store: LedgerStore,
        waiting: WaitingWrites,
        on_rows: Callable[[int], None],
        outage: Outage | None = None,
    ) -> None:
        """`on_rows` is told in the thread how many rows were written, once those who wait for them know."""
        self._store = store
        self._waiting = waiting
        self._on_rows = on_rows
        self._outage = outage or Outage()
        self._incoming: deque[Write | Chore | _Close] = deque()
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._is_asleep = False
        self._pace = Pace(BRISK_PER_SECOND)
        self._backlog: deque[Write] = deque()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    @property
    def refusal(self) -> str | None:
        """Why new runs can't be taken: a write failed just now, or such writes wait to be tried again."""
        if self._closing:
            return CLOSED
        return None if self._outage.reason is None else self._refused

    @property
    def _refused(self) -> str | None:
        return self._outage.reason if self._backlog or self._outage.seconds_left > 0 else None

    def put(self, write: "Write | Chore | _Close") -> None:
        self._incoming.append(write)
        if self._is_asleep:
            self._is_asleep = False
            self._bell.put(None)

    def close(self) -> None:
        """Writes what can be written, tries once more what failed, and ends the thread."""
        self._closing = True
        self.put(_Close())
        self._thread.join()

    def _run(self) -> None:
        while self._collect():
            self._write_waiting()
        self._outage.try_now()
        self._write_waiting()
        if self._backlog:
            log.bind(reason=self._outage.reason, waiting=len(self._backlog)).error("run ledger closed too early")

    def _collect(self) -> bool:
        """Waits for something to do; False once the ledger is closed."""
        if not self._incoming:
            self._sleep(self._outage.seconds_left if self._backlog else None)
        if self._pace.is_brisk:
            time.sleep(LINGER_SECONDS)
        count = min(len(self._incoming), MOST_WRITES)
        self._pace.count(count)
        return all(self._sort_in(self._incoming.popleft()) for _ in range(count))

    def _sleep(self, seconds: float | None) -> None:
        self._is_asleep = True
        if not self._incoming:  # looked at after the flag was set: whoever appended before did not see it
            with suppress(queue.Empty):
                self._bell.get(timeout=seconds)
        self._is_asleep = False

    def _sort_in(self, item: Write | Chore | _Close) -> bool:
        match item:
            case _Close():
                return False
            case Chore():
                self._write_waiting()
                item.do()
            case Accept() if refused := self._refused:
                self._answer(item, Acceptance(error=unavailable(refused)))
            case _:
                self._backlog.append(item)
        return True

    def _write_waiting(self) -> None:
        while self._backlog and self._outage.seconds_left == 0:
            batch = take_batch(self._backlog)
            error = self._try(batch)
            if isinstance(error, sqlite3.DatabaseError):
                self._put_back(batch, error)
            elif error is not None:
                self._write_one_by_one(batch.writes)

    def _try(self, batch: Batch) -> Exception | None:
        """Writes the batch and tells everybody."""
        answers: list[Acceptance] = []
        error = failure_of_call(lambda: answers.extend(self._store.write(batch)))
        if error is not None:
            return error
        self._outage.ended()
        self._waiting.remove(batch.writes)
        for accept, answer in zip(batch.accepts, answers, strict=True):
            self._answer(accept, answer)
        for write in batch.writes:
            if type(write) is Update and write.stored is not None:
                _tell(write.stored)
        _tell(partial(self._on_rows, len(batch.writes)))
        return None

    def _put_back(self, batch: Batch, error: Exception) -> None:
        """What must last is tried again; new runs are refused, those that wait behind too."""
        behind = list(self._backlog)
        refused = [*batch.accepts, *(write for write in behind if isinstance(write, Accept))]
        self._backlog = deque([*batch.lasting, *(write for write in behind if not isinstance(write, Accept))])
        self._outage.failed(error, len(self._backlog))
        answer = Acceptance(error=unavailable(reason_of(error)))
        for accept in refused:
            self._answer(accept, answer)

    def _write_one_by_one(self, writes: Sequence[Write]) -> None:
        """One of them can't be put into words that the file takes: it must not hold up the others."""
        for place, write in enumerate(writes):
            error = self._try(batch_of([write]))
            if isinstance(error, sqlite3.DatabaseError):
                self._put_back(batch_of(writes[place:]), error)
                return
            if error is not None:
                self._give_up(write, error)

    def _give_up(self, write: Write, error: Exception) -> None:
        log.bind(reason=reason_of(error), write=type(write).__name__).error("run ledger can't keep this")
        self._waiting.remove([write])
        if isinstance(write, Accept):
            self._answer(write, Acceptance(error=unavailable(reason_of(error))))

    def _answer(self, accept: Accept, answer: Acceptance) -> None:
        if answer is not NEW:
            self._waiting.was_not_new(accept)
        _tell(partial(accept.answer, answer))


def _tell(callback: Callable[[], None]) -> None:
    error = failure_of_call(callback)
    if error is not None:
        log.opt(exception=error).error("a callback of the run ledger failed")
