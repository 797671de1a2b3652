"""The ledger's file: its tables, and how it is opened."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from app.common.errors import StartupError

MIGRATIONS: Final = (
    """
    CREATE TABLE runs (
        sequence INTEGER PRIMARY KEY,
        run_id TEXT NOT NULL UNIQUE,
        triggered_by TEXT NOT NULL,
        console TEXT NOT NULL,
        log_id INTEGER NOT NULL,
        log_date_time INTEGER NOT NULL,
        job_id INTEGER NOT NULL,
        handler TEXT NOT NULL,
        param TEXT NOT NULL,
        shard_index INTEGER NOT NULL,
        shard_total INTEGER NOT NULL,
        attempt INTEGER NOT NULL,
        instance TEXT NOT NULL,
        trace_id TEXT NOT NULL,
        state TEXT NOT NULL,
        outcome TEXT,
        code INTEGER,
        message TEXT NOT NULL,
        accepted_at INTEGER, -- this and the next: microseconds since the epoch
        started_at INTEGER,
        finished_at INTEGER,
        timeout_seconds INTEGER
    );
    CREATE INDEX runs_unfinished ON runs (sequence) WHERE outcome IS NULL;
    CREATE INDEX runs_unreported ON runs (sequence) WHERE state = 'done';
    CREATE INDEX runs_reported ON runs (accepted_at) WHERE state = 'reported';
    CREATE INDEX runs_unsuccessful ON runs (sequence) WHERE outcome <> 'success';
    CREATE INDEX runs_by_handler ON runs (handler);
    CREATE INDEX runs_by_job ON runs (job_id);
    CREATE INDEX runs_by_log ON runs (log_id);
    """,
)
"""The n-th brings a file from version n to n + 1."""

BUSY_SECONDS: Final = 1.0
_SAFETY_CHECKPOINT_PAGES: Final = 8192
_LARGEST_LEFT_WAL: Final = 64 * 1024 * 1024
_ADVICE: Final = "fix it, or set xxl-job.ledger: memory (runs and outcomes then don't survive the process)"


def connect(path: Path, *, fsync: bool = False) -> sqlite3.Connection:
    """A connection without implicit transactions. It may be used by any one thread at a time."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA synchronous = {'FULL' if fsync else 'NORMAL'}")
    return connection


def open_for_writing(path: Path, *, fsync: bool = False) -> sqlite3.Connection:
    """The file with its tables, made or brought to this version. Raises StartupError with what to do."""
    with _explained(path):
        connection = connect(path, fsync=fsync)
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
        return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise StartupError(f"the run ledger {path} was written by a newer version of this program")
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # before the first table, so that the file can shrink
    connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.execute(f"PRAGMA journal_size_limit = {_LARGEST_LEFT_WAL}").fetchone()
    connection.execute(f"PRAGMA wal_autocheckpoint = {_SAFETY_CHECKPOINT_PAGES}").fetchone()
    connection.execute("PRAGMA secure_delete = FAST").fetchone()
    for number in range(version, len(MIGRATIONS)):
        connection.executescript(f"BEGIN; {MIGRATIONS[number]} PRAGMA user_version = {number + 1}; COMMIT;")
    # A writable file and intact first pages, before anything is promised.
    connection.executescript("BEGIN IMMEDIATE; COMMIT;")
    connection.execute("SELECT max(sequence), (SELECT min(log_id) FROM runs) FROM runs").fetchone()


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StartupError(f"the run ledger {path} can't be opened ({error}): {_ADVICE}") from error
    except sqlite3.DatabaseError as error:
        raise StartupError(
            f"the run ledger {path} is damaged ({error}): move it away and start again; "
            "runs it knew would then run again if the console sent them again"
        ) from error
