"""What keeps the ledger's file small and its write-ahead log short."""

import sqlite3
import threading
from typing import Final

from app.common.supervision import failure_of_call

CHECKPOINT_ROWS: Final = 2000
MEASURE_ROWS: Final = 500
_ROOM: Final = 0.9


class Fullness:
    """Full at the bound; not full again before a tenth of it is free. Tight while less than a tenth is."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._used = 0
        self.is_full = False

    @property
    def is_tight(self) -> bool:
        return self._used >= self._max_bytes * _ROOM

    def limit(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self.measured(self._used)

    def measured(self, used: int) -> None:
        self._used = used
        if used >= self._max_bytes:
            self.is_full = True
        elif not self.is_tight:
            self.is_full = False


class Checkpointer:
    """Moves the write-ahead log into the file, in a thread of its own: waiting for the disk holds up no run."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="ledger-checkpoint", daemon=True)
        self._thread.start()

    def nudge(self) -> None:
        """There is enough to move."""
        self._wake.set()

    def close(self) -> None:
        self._closing = True
        self._wake.set()
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            if self._closing:
                return
            # What fails here fails for the writer too, who tells; the log only grows meanwhile.
            failure_of_call(lambda: self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall())


class RowCount:
    """Says when it is time again, after so many rows."""

    def __init__(self, every: int) -> None:
        self._every = every
        self._rows = 0

    def reached(self, rows: int) -> bool:
        self._rows += rows
        if self._rows < self._every:
            return False
        self._rows = 0
        return True
