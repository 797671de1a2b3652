"""Runs on their way into the ledger: each is answered within the time that its console waits."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from app.jobs.run import Run
from app.xxl_job.executor.protocol import FAIL, Answer, BlockStrategy

PATIENCE_SECONDS: Final = 2.0
"""Counted from the request's arrival. The console gives up after 3 s: what it has given up must not start."""
TOO_LATE: Final = "the run ledger was too slow: the run was not taken"

Reply = Callable[[Answer], None]


@dataclass(eq=False, slots=True)
class Acceptance:
    """One run that the ledger hasn't answered yet, and everybody who asked for it."""

    run: Run
    strategy: BlockStrategy
    deadline: float
    replies: list[Reply] = field(default_factory=list)
    is_late: bool = False

    def answer(self, answer: Answer) -> None:
        replies, self.replies = self.replies, []
        for reply in replies:
            reply(answer)


class Acceptances:
    """By run id. One that is late was answered 500; it stays here until the ledger has spoken, then it is withdrawn."""

    def __init__(self) -> None:
        self._by_id: dict[str, Acceptance] = {}
        self._late = 0

    def __len__(self) -> int:
        return len(self._by_id)

    @property
    def is_stuck(self) -> bool:
        """The ledger hasn't answered for so long that asking it for more would only pile up."""
        return self._late > 0

    def find(self, run_id: str) -> Acceptance | None:
        return self._by_id.get(run_id)

    def add(self, acceptance: Acceptance) -> None:
        self._by_id[acceptance.run.record.run_id] = acceptance

    def take(self, acceptance: Acceptance) -> None:
        """The ledger has spoken."""
        del self._by_id[acceptance.run.record.run_id]
        self._late -= acceptance.is_late

    def expire(self, now: float) -> Iterator[Acceptance]:
        """Answers 500 to those whose time is over."""
        for acceptance in self._by_id.values():
            if not acceptance.is_late and acceptance.deadline < now:
                acceptance.is_late = True
                self._late += 1
                acceptance.answer(Answer(FAIL, TOO_LATE))
                yield acceptance
