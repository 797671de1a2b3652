"""Why the ledger can't be written, and when to try again."""

import time
from typing import Final

from app.common.logger import log
from app.jobs.ledger.base import LedgerUnavailable

FIRST_SECONDS: Final = 1.0
LONGEST_SECONDS: Final = 5.0
_GROWTH: Final = 1.5
_REASONS: Final = {
    "SQLITE_FULL": "disk full",
    "SQLITE_IOERR": "disk I/O error",
    "SQLITE_BUSY": "locked by another process",
    "SQLITE_LOCKED": "locked by another process",
    "SQLITE_READONLY": "read-only",
    "SQLITE_CANTOPEN": "file can't be opened",
    "SQLITE_CORRUPT": "file is damaged",
    "SQLITE_NOTADB": "file is damaged",
}


def reason_of(error: Exception) -> str:
    """In a few plain words."""
    name = "_".join(getattr(error, "sqlite_errorname", "").split("_")[:2])
    return _REASONS.get(name) or f"{type(error).__name__}: {error}"


def unavailable(reason: str) -> LedgerUnavailable:
    return LedgerUnavailable(f"the run ledger can't be written: {reason}")


class Outage:
    """From the first write that fails to the next that succeeds. Logged once each way."""

    def __init__(self, first_seconds: float = FIRST_SECONDS) -> None:
        self.reason: str | None = None
        self._first_seconds = first_seconds
        self._pause = first_seconds
        self._next = 0.0

    @property
    def seconds_left(self) -> float:
        """Until the next try."""
        return max(0.0, self._next - time.monotonic()) if self.reason else 0.0

    def failed(self, error: Exception, waiting: int) -> None:
        """A try failed; `waiting` writes are kept in memory."""
        reason = reason_of(error)
        if self.reason is None:
            self._pause = self._first_seconds
            log.bind(reason=reason, waiting=waiting).error("run ledger can't be written")
        self.reason = reason
        self._next = time.monotonic() + self._pause
        self._pause = min(self._pause * _GROWTH, LONGEST_SECONDS)

    def try_now(self) -> None:
        """Without the rest of the pause."""
        self._next = 0.0

    def ended(self) -> None:
        if self.reason is not None:
            self.reason = None
            log.info("run ledger is written again")
