"""Where batches of lines go: the daily file and the console, each standing in when the other fails."""

from collections.abc import Callable
from typing import Final

from app.common.log_console import Console
from app.common.log_file import DailyFile

Notice = Callable[[str, dict[str, object]], str]
"""Renders a warning about logging itself, message and fields, to a whole line."""

LAST_PUMP_SECONDS: Final = 1.0


class Outlet:
    """Used by one thread at a time. Says once when file or console fails, and once when it works again."""

    def __init__(self, file: DailyFile | None, console: Console, notice: Notice, *, console_enabled: bool) -> None:
        self.console_enabled = console_enabled
        self.console = console
        self.file = file
        self.lines_lost = 0
        """Lines that neither file nor console took."""
        self._notice = notice
        self._told_closed = False

    def warn(self, message: str, **fields: object) -> None:
        """Writes a warning about logging itself to wherever lines go."""
        self._write(self._notice(message, fields).encode())

    def write(self, lines: list[str]) -> None:
        """Writes whole lines to the file and the console; to the console in any case while the file fails."""
        self._write("".join(lines).encode("utf-8", "backslashreplace"))
        if self.console.is_closed and self.console_enabled and not self._told_closed:
            self._told_closed = True
            self.warn("the console is closed")
        if self.console.lines_lost and not self.console.has_backlog:
            lost, self.console.lines_lost = self.console.lines_lost, 0
            self.warn("the console was too slow", lines_lost_there=lost)

    def pump(self) -> None:
        """Goes on with what the console's reader was too slow for."""
        self.console.pump(0)

    def close(self) -> None:
        """Gives the console's reader a last moment, and closes the file."""
        self.console.pump(LAST_PUMP_SECONDS)
        if self.file is not None:
            self.file.close()

    def _write(self, data: bytes) -> None:
        in_file = self.file is not None and self._write_file(self.file, data)
        file_failed = self.file is not None and not in_file
        if self.console_enabled or file_failed:
            self.console.write(data)
        if not in_file and self.console.is_closed and (self.console_enabled or file_failed):
            self.lines_lost += data.count(b"\n")

    def _write_file(self, file: DailyFile, data: bytes) -> bool:
        was_failing = file.error is not None
        written = file.write(data)
        if written and was_failing:
            lost, file.lines_lost = file.lines_lost, 0
            self.warn("the log file is written again", lines_not_in_file=lost)
        elif file.error is not None and not was_failing:
            reason = file.error.strerror or type(file.error).__name__
            fields: dict[str, object] = {"folder": str(file.folder), "reason": reason}
            self.console.write(self._notice("the log file can't be written, lines go to the console", fields).encode())
        return written
