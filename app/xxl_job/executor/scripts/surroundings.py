"""Where a script works: a private folder that is removed after the run, and an environment without our secrets."""

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from app.common.trace import build_traceparent
from app.jobs.context import JobContext

_KEPT: Final = ("PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ")


class ScriptFolders:
    """Makes folders below one that belongs to this process alone: what a killed process has left there is removed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._is_swept = False
        self._lock = threading.Lock()

    @contextmanager
    def open(self, log_id: int) -> Iterator[Path]:
        """A folder that only this user can enter, for one run."""
        with self._lock:
            if not self._is_swept:
                shutil.rmtree(self._root, ignore_errors=True)
                self._is_swept = True
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._root, prefix=f"{log_id}-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)


def build_environment(context: JobContext, folder: Path) -> dict[str, str]:
    """PATH and language of this process, the trace, and which run it is; nothing else."""
    return {
        "PATH": os.defpath,
        **{name: os.environ[name] for name in _KEPT if name in os.environ},
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "TRACEPARENT": build_traceparent(context.trace_id),
        "X_TRACE_ID": context.trace_id,
        "XXL_JOB_ID": str(context.job_id),
        "XXL_JOB_LOG_ID": str(context.log_id),
        "XXL_JOB_SHARD_INDEX": str(context.shard_index),
        "XXL_JOB_SHARD_TOTAL": str(context.shard_total),
        "XXL_JOB_ATTEMPT": str(context.attempt),
    }
