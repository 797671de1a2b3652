"""Which instance this process is: `<role>-<host>-<worker>`, the worker being the lowest free slot of this machine."""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from app.common.errors import StartupError

MAX_SLOTS: Final = 256


@contextmanager
def claimed_instance(data_dir: Path, role: str, host: str) -> Iterator[str]:
    """The name of the first slot whose lock is free, held until the block ends or the process dies."""
    folder = data_dir / "instances"
    folder.mkdir(parents=True, exist_ok=True)
    safe_host = re.sub(r"[^A-Za-z0-9_.]", "_", host) or "host"
    for slot in range(MAX_SLOTS):
        name = f"{role}-{safe_host}-{slot}"
        handle = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            continue
        try:
            yield name
        finally:
            os.close(handle)
        return
    raise StartupError(f"{MAX_SLOTS} processes named {role} run on this DATA_DIR already")
