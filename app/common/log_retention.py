"""Old days: compressed, then removed. Only files that match our own date folder and file name, nothing else, ever."""

import gzip
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from app.common.const import ProcessRole

SETTLED_SECONDS: Final = 60.0
"""A file of an old day that was written to more recently may still be another process's."""
_ABANDONED_SECONDS: Final = 3600.0
_CHUNK_BYTES: Final = 256 * 1024
_AGAIN_SECONDS: Final = 3600.0
_MAX_DAYS: Final = 36_500
_FOLDER: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_NAME: Final = re.compile(rf"(?:{'|'.join(ProcessRole)})-[A-Za-z0-9_.\-]+\.log(?P<suffix>|\.gz|\.gz\.part)")


def tidy(folder: Path, today: date, retention_days: int, *, settled_seconds: float = SETTLED_SECONDS) -> Iterator[None]:
    """Compresses the files of former days and removes those older than `retention_days`, a small step at a time.

    A generator, so that the thread that writes lines can do it in between. Several processes may do it at once.
    """
    oldest = today - timedelta(days=min(retention_days, _MAX_DAYS))
    for day, day_folder in _old_days(folder, today):
        for path, suffix in _own_files(day_folder):
            with suppress(OSError):
                if day < oldest or (suffix == ".gz.part" and _age_seconds(path) > _ABANDONED_SECONDS):
                    path.unlink()
                elif not suffix and _age_seconds(path) >= settled_seconds:
                    yield from _compress(path)
            yield
        if day < oldest:
            with suppress(OSError):
                day_folder.rmdir()


def _old_days(folder: Path, today: date) -> list[tuple[date, Path]]:
    days: list[tuple[date, Path]] = []
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _FOLDER.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                with suppress(ValueError):
                    days.append((date.fromisoformat(entry.name), Path(entry.path)))
    return sorted(item for item in days if item[0] < today)


def _own_files(day_folder: Path) -> list[tuple[Path, str]]:
    found: list[tuple[Path, str]] = []
    with suppress(OSError), os.scandir(day_folder) as entries:
        for entry in entries:
            match = _NAME.fullmatch(entry.name)
            if match and entry.is_file(follow_symlinks=False):
                found.append((Path(entry.path), match["suffix"]))
    return sorted(found)


def _age_seconds(path: Path) -> float:
    return time.time() - path.stat().st_mtime


def _compress(path: Path) -> Iterator[None]:
    """`x.log` becomes `x.log.gz`, and is gone only after that is on disk. A `.gz` that exists already is continued."""
    target = path.with_name(f"{path.name}.gz")
    part = path.with_name(f"{path.name}.gz.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)  # one process at a time
    try:
        with os.fdopen(descriptor, "wb") as raw:
            if target.exists():
                with target.open("rb") as existing:
                    while chunk := existing.read(_CHUNK_BYTES):
                        raw.write(chunk)
                        yield
            with path.open("rb") as source, gzip.GzipFile(filename=path.name, fileobj=raw, mode="wb") as packed:
                while chunk := source.read(_CHUNK_BYTES):
                    packed.write(chunk)
                    yield
            raw.flush()
            os.fsync(raw.fileno())
        part.replace(target)
        path.unlink()
    finally:
        part.unlink(missing_ok=True)


class Housekeeping:
    """Tidies at start, at midnight and every hour, one small step a call."""

    def __init__(
        self, folder: Path, today: Callable[[], date], retention_days: int, *, settled_seconds: float = SETTLED_SECONDS
    ) -> None:
        self.retention_days = retention_days
        self._folder = folder
        self._today = today
        self._settled_seconds = settled_seconds
        self._steps: Iterator[None] | None = None
        self._last_day: date | None = None
        self._next_at = 0.0

    def step(self) -> bool:
        """Does a little; whether there is more to do right away."""
        if self._steps is None:
            today = self._today()
            if today == self._last_day and time.monotonic() < self._next_at:
                return False
            self._last_day = today
            self._next_at = time.monotonic() + _AGAIN_SECONDS
            self._steps = tidy(self._folder, today, self.retention_days, settled_seconds=self._settled_seconds)
        try:
            next(self._steps)
        except StopIteration:
            self._steps = None
            return False
        return True

    def close(self) -> None:
        """Gives up a compression that is under way; the file stays as it is."""
        self._steps = None
