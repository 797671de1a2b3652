"""A child process of our own: spawned, in a process group of its own, killed as a whole."""

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from typing import IO, Final

from app.config.environment import PROJECT_ROOT

CHILD_MODULE: Final = "app.xxl_job.executor.isolation.child"


class ChildProcess:
    """Started with one end of a channel as its file descriptor; what it writes to 1 and 2 comes out of `output`."""

    def __init__(self, connection: socket.socket) -> None:
        """Raises OSError when the system gives no process. The calling thread must outlive the child."""
        descriptor = connection.fileno()
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-P", "-m", CHILD_MODULE, str(descriptor)],
            pass_fds=(descriptor,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            start_new_session=True,
            env=_environment(),
        )
        self._lock = threading.Lock()
        self._is_over = False
        output = self._process.stdout
        if output is None:
            raise OSError("the child process has no output")
        self.output: IO[bytes] = output
        os.set_blocking(output.fileno(), False)

    @property
    def pid(self) -> int:
        return self._process.pid

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def kill(self) -> None:
        """Ends it and everything in its group, at once."""
        with self._lock:
            if not self._is_over:
                self._kill_group()

    def bury(self) -> int:
        """Kills what is left of the group, waits, and returns the exit code; negative: the signal."""
        with self._lock:
            self._kill_group()
            self._is_over = True
        code = self._process.wait()
        self.output.close()
        return code

    def wait(self, seconds: float) -> None:
        """Gives it a moment to end by itself."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)


def _environment() -> dict[str, str]:
    """Ours, and a first entry in PYTHONPATH by which the child finds its module; it takes the entry out again."""
    former = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(PROJECT_ROOT), *([former] if former else ())))}


def describe_exit(code: int, cpu_seconds: int | None = None) -> str:
    """What a person can make of an exit code."""
    if code >= 0:
        return f"the child process ended with exit code {code}"
    if -code == signal.SIGXCPU and cpu_seconds is not None:
        return f"the run took more than cpu_seconds={cpu_seconds} of processor time"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = "unknown"
    hint = ": perhaps for want of memory" if -code == signal.SIGKILL else ""
    return f"the child process ended by signal {-code} ({name}){hint}"
