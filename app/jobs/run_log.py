"""The job log of the current run: everything written inside a run goes there too."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, Protocol

from app.common.log_format import render_text
from app.common.log_options import LevelTable
from app.common.logger import log
from app.config.snapshot import Snapshot
from app.jobs.record import RunRecord

if TYPE_CHECKING:
    from loguru import Message, Record


class RunLog(Protocol):
    """Takes the lines of one run, from any thread."""

    def write(self, text: str) -> None:
        """Appends; never raises, never logs."""
        ...

    def close(self) -> None: ...


OpenRunLog = Callable[[RunRecord], RunLog]

run_log_var: Final[ContextVar[RunLog | None]] = ContextVar("run_log", default=None)


class MemoryRunLog:
    """Keeps the text, for tests and for runs without a folder."""

    def __init__(self) -> None:
        self.text = ""
        self.closed = False

    def write(self, text: str) -> None:
        self.text += text

    def close(self) -> None:
        self.closed = True


class RunLogSink:
    """A log sink: hands each line to the run in whose context it was written, by the levels of the settings."""

    def __init__(self, snapshot: Callable[[], Snapshot]) -> None:
        self._snapshot = snapshot
        self._seen: Snapshot | None = None
        self._levels = LevelTable("INFO", {})

    def passes(self, record: "Record") -> bool:
        if run_log_var.get() is None:
            return False
        snapshot = self._snapshot()
        if snapshot is not self._seen:
            self._levels = LevelTable(snapshot.settings.log.level, snapshot.settings.log.levels)
            self._seen = snapshot
        name = record["extra"].get("logger") or record["name"] or ""
        return record["level"].no >= self._levels.number(str(name))

    def write(self, message: "Message") -> None:
        current = run_log_var.get()
        if current is not None:
            current.write(render_text(message.record, str(message)))


@contextmanager
def lines_to_run_logs(snapshot: Callable[[], Snapshot]) -> Iterator[None]:
    """While open, lines written inside a run reach its job log. To be opened after logging was configured."""
    sink = RunLogSink(snapshot)
    handler = log.add(
        sink.write,
        level="TRACE",
        format=lambda _: "{exception}",
        filter=sink.passes,
        backtrace=False,
        diagnose=False,
    )
    try:
        yield
    finally:
        log.remove(handler)
