"""A program as the body of a run: its output is the job log, its exit code the result, its group ends with it."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from app.common import log_direct
from app.common.errors import AppError
from app.common.log_copy import copy_line
from app.common.log_direct import Place
from app.jobs.context import JobContext
from app.xxl_job.executor.line_cutter import LineCutter

GRACE_SECONDS: Final = 2.0
"""Between the request to end (SIGTERM) and the end (SIGKILL)."""
LAST_OUTPUT_SECONDS: Final = 0.3
"""After the program's end: what others that hold its output are waited for."""
_LOOK_SECONDS: Final = 0.05
_CHUNK_BYTES: Final = 64 * 1024
_PLACE: Final = Place("script", "output", 0)


class ScriptFailed(AppError):
    """A script or command has told that it failed."""

    code = "SCRIPT_FAILED"


class Execution:
    """One program, from its start to its end. Used by the run's own thread."""

    def __init__(self, context: JobContext, command: Sequence[str], folder: Path, environment: dict[str, str]) -> None:
        """Raises ScriptFailed when the program can't be started."""
        self._context = context
        try:
            self._process = subprocess.Popen(  # noqa: S603 - allowed by name in the settings
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            raise ScriptFailed(f"{command[0]} can't be started: {error.strerror}") from error
        self._lines = LineCutter()
        self._grace_seconds = GRACE_SECONDS

    def wait(self) -> int:
        """Streams the output until the program has ended; the exit code, negative for a signal."""
        output = self._process.stdout
        if output is None:
            return self._process.wait()
        with output:
            os.set_blocking(output.fileno(), False)
            is_open, stopping_since = True, None
            while self._process.poll() is None:
                if self._context.should_stop():
                    stopping_since = self._stop(stopping_since)
                is_open = is_open and self._read(output)
                if not is_open:  # it may close its output and go on
                    with suppress(subprocess.TimeoutExpired):
                        self._process.wait(_LOOK_SECONDS)
            self._finish(output)
        return self._process.returncode

    def _stop(self, since: float | None) -> float:
        now = time.monotonic()
        if since is None:
            self._signal(signal.SIGTERM)
            return now
        if now - since > self._grace_seconds:
            self._signal(signal.SIGKILL)
        return since

    def _finish(self, output: IO[bytes]) -> None:
        """What it left behind in its group is ended; what left the group is not waited for."""
        end = time.monotonic() + LAST_OUTPUT_SECONDS
        while time.monotonic() < end and self._read(output):
            pass
        self._signal(signal.SIGKILL)
        for line in self._lines.flush():
            _write(line)

    def _read(self, output: IO[bytes]) -> bool:
        """Whether more may come."""
        ready, _, _ = select.select([output], [], [], _LOOK_SECONDS)
        if not ready:
            return True
        data = os.read(output.fileno(), _CHUNK_BYTES)
        for line in self._lines.feed(data):
            _write(line)
        return bool(data)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


def _write(line: str) -> None:
    copy_line(log_direct.current.log.render("INFO", _PLACE, line))


def check_exit(code: int, what: str) -> None:
    """Raises ScriptFailed for anything but 0, in the words of Java's executor."""
    if code < 0:
        raise ScriptFailed(f"{what} ended by signal {-code}")
    if code > 0:
        raise ScriptFailed(f"{what} exit value({code}) is failed")
