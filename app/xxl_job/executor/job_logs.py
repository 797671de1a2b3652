"""The folder of job logs: `<date>/<logId>.log`, the date being that of the trigger."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from app.config.settings import XxlJobSettings
from app.jobs.record import RunRecord
from app.xxl_job.executor.day_folder import DayFolder
from app.xxl_job.executor.log_day import day_of, today
from app.xxl_job.executor.log_finder import LogFinder
from app.xxl_job.executor.log_page import LogPage, empty_page, note_page
from app.xxl_job.executor.log_shelf import LogShelf
from app.xxl_job.executor.log_upkeep import compress, expire
from app.xxl_job.executor.open_files import MOST_OPEN, OpenFiles
from app.xxl_job.executor.packed_log import PackedLog
from app.xxl_job.executor.plain_log import LogChanged, PlainLog
from app.xxl_job.executor.protocol import LogQuery
from app.xxl_job.executor.run_log_file import RunLogFile

KNOWN_LOGS: Final = 64
_KNOWN_DAYS: Final = 8


class JobLogs:
    """Opens, reads and tidies job logs; callable from any thread."""

    def __init__(
        self, root: Path, settings: Callable[[], XxlJobSettings] = XxlJobSettings, *, most_open: int = MOST_OPEN
    ) -> None:
        """`settings` are asked anew each time: zone, size, retention and compression are live."""
        self._root = root
        self._settings = settings
        self._finder = LogFinder(root)
        self._files = OpenFiles(most_open)
        self._shelf = LogShelf()
        self._days: OrderedDict[str, DayFolder] = OrderedDict()
        self._open: dict[RunLogFile, None] = {}
        self._known: OrderedDict[Path, PlainLog | PackedLog] = OrderedDict()
        self._done: dict[Path, int] = {}
        self._limit = 0
        """Bytes a log may have: read where runs begin and logs are read, since settings may not be asked in a sink."""
        self._lock = threading.Lock()

    def open(self, record: RunRecord) -> RunLogFile:
        """The log of a run; the file is made with the first line. A run that was here before goes on in its file."""
        settings = self._settings()
        self._limit = settings.log_max_mb << 20
        day = day_of(record.log_date_time, settings.timezone)
        with self._lock:
            file = RunLogFile(
                self._folder(day),
                record.log_id,
                record.log_date_time,
                files=self._files,
                max_bytes=lambda: self._limit,
                on_close=self._forget,
                shelf=self._shelf,
            )
            self._open[file] = None
        return file

    def read(self, query: LogQuery, *, finished: bool, limit_bytes: int) -> LogPage:
        """A page of a run's log, present or past. Reads the disk."""
        self._limit = self._settings().log_max_mb << 20
        self._shelf.flush()
        for _ in range(2):  # a log may be compressed, removed or emptied just now
            path = self.find(query)
            if path is None:
                break
            try:
                return self._log_at(path).page(query.from_line, finished=finished, limit_bytes=limit_bytes)
            except (FileNotFoundError, LogChanged):
                continue
            except OSError as error:
                return note_page(query.from_line, f"the log of run {query.log_id} can't be read: {error.strerror}")
        if not finished:
            return empty_page(query.from_line, is_end=False)
        return note_page(query.from_line, f"there is no log of run {query.log_id} on this executor")

    def find(self, query: LogQuery) -> Path | None:
        """The file of the run that is meant, plain or compressed."""
        return self._finder.find(query.log_id, query.log_date_time, self._settings().timezone)

    def expire(self, keep_days: int) -> int:
        """Deletes logs of days before the last `keep_days`, and nothing that isn't named like one; returns how many."""
        return sum(1 for _ in expire(self._root, today(self._settings().timezone), keep_days, self._in_use()))

    def tidy(self) -> Iterator[Path]:
        """Expires and compresses by the settings, in small steps."""
        settings, in_use = self._settings(), self._in_use()
        day = today(settings.timezone)
        yield from expire(self._root, day, settings.log_retention_days, in_use)
        yield from compress(self._root, day, settings.log_compress_days, in_use, self._done)

    def close(self) -> None:
        """Writes what is held, and gives back what is kept for the next run; logs that are open stay so."""
        self._shelf.close()
        with self._lock:
            while self._days:
                self._days.popitem()[1].close()

    def _folder(self, day: str) -> DayFolder:
        folder = self._days.get(day)
        if folder is None:
            folder = self._days[day] = DayFolder(self._root / day)
            while len(self._days) > _KNOWN_DAYS:
                self._days.popitem(last=False)[1].close()
        return folder

    def _forget(self, file: RunLogFile) -> None:
        with self._lock:
            self._open.pop(file, None)

    def _in_use(self) -> Callable[[Path], bool]:
        def in_use(path: Path) -> bool:
            with self._lock:
                files = list(self._open)
            return any(file.path == path for file in files)

        return in_use

    def _log_at(self, path: Path) -> PlainLog | PackedLog:
        with self._lock:
            known = self._known.pop(path, None)
            if known is None:
                known = PackedLog(path) if path.suffix == ".gz" else PlainLog(path)
            self._known[path] = known
            while len(self._known) > KNOWN_LOGS:
                self._known.popitem(last=False)
        return known
