"""The job log of a run: everything written inside the run goes there too."""

from collections.abc import Callable
from typing import Protocol

from app.jobs.record import RunRecord


class RunLog(Protocol):
    """Takes the lines of one run, from any thread."""

    @property
    def failure(self) -> str | None:
        """Why lines are missing, in a few words for the run's callback; None while all were written."""
        ...

    def write(self, text: str) -> None:
        """Appends whole lines; never raises, never logs. After `close` it takes nothing and opens nothing."""
        ...

    def close(self) -> None: ...


OpenRunLog = Callable[[RunRecord], RunLog]


class MemoryRunLog:
    """Keeps the text, for tests and for runs without a folder."""

    failure: str | None = None

    def __init__(self) -> None:
        self.text = ""
        self.closed = False

    def write(self, text: str) -> None:
        if not self.closed:
            self.text += text

    def close(self) -> None:
        self.closed = True
