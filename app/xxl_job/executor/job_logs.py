"""The folder of job logs: `<date>/<logId>.log`, the date being that of the trigger."""

import re
import threading
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from app.jobs.record import RunRecord
from app.xxl_job.executor.line_index import LineIndex
from app.xxl_job.executor.log_page import LogPage, empty_page, note_page, read_page
from app.xxl_job.executor.protocol import LogQuery
from app.xxl_job.executor.run_log_file import RunLogFile, index_file

KNOWN_INDEXES: Final = 64
_DATE_FORMAT: Final = "%Y-%m-%d"
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_LOG_NAME: Final = re.compile(r"\d+\.log")
_LAST_DATE_MS: Final = 253_402_128_000_000  # the last day of year 9999, short of a time zone's width


class JobLogs:
    """Opens, reads and expires job logs; callable from any thread."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._open: dict[int, RunLogFile] = {}
        self._indexes: OrderedDict[tuple[Path, int], LineIndex] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, record: RunRecord) -> RunLogFile:
        """The log of a run; the file is made with the first line."""
        file = RunLogFile(self.path_of(record.log_id, record.log_date_time))
        with self._lock:
            self._open = {key: value for key, value in self._open.items() if not value.is_closed}
            self._open[record.log_id] = file
        return file

    def read(self, query: LogQuery, *, finished: bool, limit_bytes: int) -> LogPage:
        """A page of a run's log, present or past. Reads the disk."""
        with self._lock:
            file = self._open.get(query.log_id)
        if file is not None and not file.is_closed:
            path, index = file.path, file.index
        else:
            path = self.find(query)
            index = self._index_of(path)
        if not index.lines:
            if not finished:
                return empty_page(query.from_line, is_end=False)
            return note_page(query.from_line, f"there is no log of run {query.log_id} on this executor")
        try:
            return read_page(path, index, query.from_line, finished=finished, limit_bytes=limit_bytes)
        except OSError as error:
            return note_page(query.from_line, f"the log of run {query.log_id} can't be read: {error.strerror}")

    def path_of(self, log_id: int, log_date_time: int) -> Path:
        moment = datetime.fromtimestamp(min(log_date_time, _LAST_DATE_MS) / 1000, UTC).astimezone()
        return self._root / moment.strftime(_DATE_FORMAT) / f"{log_id}.log"

    def find(self, query: LogQuery) -> Path:
        """Where the log is by its date, else where the newest one with that id is."""
        expected = self.path_of(query.log_id, query.log_date_time)
        if query.log_date_time or expected.exists():
            return expected
        return max(self._root.glob(f"*/{query.log_id}.log"), default=expected)

    def expire(self, keep_days: int) -> int:
        """Deletes logs of days before the last `keep_days`, and nothing that isn't named like one; returns how many."""
        oldest = (datetime.now(UTC).astimezone() - timedelta(days=keep_days)).strftime(_DATE_FORMAT)
        deleted = 0
        for folder in self._root.glob("????-??-??"):
            if _DATE.fullmatch(folder.name) and folder.name < oldest and folder.is_dir() and not folder.is_symlink():
                deleted += _empty_folder(folder)
        return deleted

    def _index_of(self, path: Path) -> LineIndex:
        """The index of a file nobody writes; kept for the next page."""
        try:
            key = (path, path.stat().st_size)
        except OSError:
            return LineIndex()
        with self._lock:
            known = self._indexes.get(key)
        if known is None:
            known = index_file(path)
            with self._lock:
                self._indexes[key] = known
                while len(self._indexes) > KNOWN_INDEXES:
                    self._indexes.popitem(last=False)
        return known


def _empty_folder(folder: Path) -> int:
    deleted = 0
    for file in folder.iterdir():
        if _LOG_NAME.fullmatch(file.name):
            file.unlink(missing_ok=True)
            deleted += 1
    if not any(folder.iterdir()):
        folder.rmdir()
    return deleted
