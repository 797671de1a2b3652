"""DATA_DIR/executor/<instance>/: one process at a time owns it, and takes over what dead ones left in theirs."""

import contextlib
import fcntl
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from app.common.errors import StartupError
from app.common.logger import log
from app.jobs.ledger.base import RunLedger, RunQuery
from app.jobs.ledger.recovery import move_outcomes, recover
from app.jobs.ledger.sqlite import SqliteRunLedger
from app.jobs.record import RunRecord

ADOPTING: Final = "adopting its runs"
RUNNING: Final = "running"
PATIENCE_SECONDS: Final = 5.0
"""How long a start waits for the folder: whoever adopts it needs it for a moment only."""

_FOLDER: Final = "executor"
_LOCK: Final = "lock"
_FILE: Final = "runs.db"
_POLL_SECONDS: Final = 0.05
_ADVICE: Final = "make it writable, or set xxl-job.ledger: memory (runs and outcomes then don't survive the process)"


def ledger_files(data_dir: Path) -> list[Path]:
    """The ledgers of all instances that ever ran on this DATA_DIR."""
    return sorted((data_dir / _FOLDER).glob(f"*/{_FILE}"))


@contextmanager
def claimed_folder(data_dir: Path, instance: str, patience_seconds: float = PATIENCE_SECONDS) -> Iterator[Path]:
    """The instance's folder, owned until the block ends or the process dies. The ledger's file is `runs_file` of it.

    Raises StartupError if another process owns it, named as far as it is known, or if it can't be written.
    """
    folder = data_dir / _FOLDER / _safe(instance)
    deadline = time.monotonic() + patience_seconds
    try:
        while (handle := _lock_own(folder)) is None:
            if time.monotonic() >= deadline:
                raise StartupError(
                    f"{folder} belongs to another process ({_owner(folder)}): stop it, or give this one its own "
                    "INSTANCE_ID"
                )
            time.sleep(_POLL_SECONDS)
    except OSError as error:
        raise StartupError(f"{folder} can't be written ({error.strerror}): {_ADVICE}") from error
    try:
        yield folder
    finally:
        os.close(handle)


def runs_file(folder: Path) -> Path:
    return folder / _FILE


def adopt_dead(
    own_folder: Path, ledger: RunLedger, is_ours: Callable[[RunRecord], bool], forget_before: datetime | None = None
) -> int:
    """Takes over the outcomes of processes that died: returns how many `ledger` has to report now. Blocks.

    `is_ours`: whether our consoles are those that wait for the run's outcome; others are left where they are.
    What was not finished is lost. The files stay, so that a returning instance knows its runs, until nothing in them is
    newer than `forget_before`.
    """
    others = [folder for folder in own_folder.parent.iterdir() if folder != own_folder and runs_file(folder).exists()]
    return sum(_adopt(folder, ledger, is_ours, forget_before) for folder in sorted(others))


def _adopt(
    folder: Path, ledger: RunLedger, is_ours: Callable[[RunRecord], bool], forget_before: datetime | None
) -> int:
    bound = log.bind(folder=folder.name)
    try:
        handle = _lock(folder, ADOPTING)
    except OSError as error:
        bound.bind(reason=error.strerror).warning("a dead instance's ledger can't be adopted")
        return 0
    if handle is None:
        return 0
    try:
        moved = _take_over(folder, ledger, is_ours, forget_before)
    except StartupError as error:
        bound.bind(reason=error.message).warning("a dead instance's ledger can't be adopted")
        return 0
    finally:
        os.close(handle)
    if moved:
        bound.bind(outcomes=moved).warning("outcomes of a dead instance are reported by this one")
    return moved


def _take_over(
    folder: Path, ledger: RunLedger, is_ours: Callable[[RunRecord], bool], forget_before: datetime | None
) -> int:
    theirs = SqliteRunLedger(runs_file(folder))
    try:
        recover(theirs, _never)
        moved = move_outcomes(theirs, ledger, is_ours)
        if forget_before is not None:
            theirs.expire(forget_before)
        is_empty = not theirs.list_runs(RunQuery(limit=1))
    finally:
        theirs.close()
    if is_empty:
        shutil.rmtree(folder, ignore_errors=True)
    return moved


def _lock_own(folder: Path) -> int | None:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return _lock(folder, RUNNING)
    except FileNotFoundError:  # removed just now by whoever adopted it
        return None


def _lock(folder: Path, doing: str) -> int | None:
    """The handle of the folder's lock, with a note of who holds it; None if another process does."""
    handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _is_current(handle, folder / _LOCK):
            os.close(handle)
            return None
        with contextlib.suppress(OSError):  # a full disk: the lock holds without the note
            os.ftruncate(handle, 0)
            os.pwrite(handle, json.dumps({"pid": os.getpid(), "doing": doing}).encode(), 0)
    except BlockingIOError:
        os.close(handle)
        return None
    except BaseException:
        os.close(handle)
        raise
    return handle


def _is_current(handle: int, path: Path) -> bool:
    """Not when the folder was removed between opening its lock and getting it."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _owner(folder: Path) -> str:
    try:
        note = json.loads((folder / _LOCK).read_text())
        return f"process {note['pid']}, {note['doing']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "its process is not known"


def _never(_: RunRecord) -> bool:
    return False


def _safe(instance: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "_", instance).lstrip(".") or "instance"
