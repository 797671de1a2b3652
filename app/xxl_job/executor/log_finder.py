"""Which file holds the log that is asked for, by log id and logDateTime."""

import re
from collections.abc import Iterator
from pathlib import Path

from app.xxl_job.executor.day_folder import DayFolder
from app.xxl_job.executor.log_day import day_of, days_around
from app.xxl_job.executor.packed_log import packed_path


class LogFinder:
    """Looks at the disk only; knows nothing of the runs that are going on."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def find(self, log_id: int, log_date_time: int, zone: str) -> Path | None:
        """Without a date (0) the newest log of that id."""
        if not log_date_time:
            return next(self.list_newest(log_id), None)
        day = day_of(log_date_time, zone)
        folder = DayFolder(self._root / day)
        if found := _existing(folder, log_id, _number_in(folder, log_id, log_date_time)):
            return found
        for other in days_around(day):
            folder = DayFolder(self._root / other)
            number = folder.find(log_id, log_date_time)
            if number is not None and (found := _existing(folder, log_id, number)):
                return found
        return None

    def list_newest(self, log_id: int) -> Iterator[Path]:
        """All logs of an id, whatever the date; the newest first."""
        name = re.compile(rf"{log_id}(?:\.(\d+))?\.log")
        found = {
            (path.parent.name, int(match[1] or 1)): path
            for pattern in (f"????-??-??/{log_id}.*log.gz", f"????-??-??/{log_id}.*log")
            for path in self._root.glob(pattern)
            if (match := name.fullmatch(path.name.removesuffix(".gz")))
        }
        for key in sorted(found, reverse=True):
            yield found[key]


def _number_in(folder: DayFolder, log_id: int, log_date_time: int) -> int:
    """1 unless there are several; then the one that is meant, else the newest."""
    if _existing(folder, log_id, 2) is None:
        return 1
    number = folder.find(log_id, log_date_time)
    return number or max((noted.number for noted in folder.noted(log_id)), default=1)


def _existing(folder: DayFolder, log_id: int, number: int) -> Path | None:
    path = Path(folder.name_of(log_id, number))
    if path.exists():
        return path
    packed = packed_path(path)
    return packed if packed.exists() else None
