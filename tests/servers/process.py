"""A server as a child process: started in its own session, gone when the tests are gone, whatever kills them."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# The kernel's parent-death signal follows the thread that started the child, not the process: every child is started
# by this one thread, which lives as long as the tests do.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


class LocalProcess:
    """Runs `command` in `home`, its output since the last start in `home/log`; ports and files outlive a stop."""

    def __init__(
        self, command: Sequence[str], *, home: Path, env: Mapping[str, str] | None = None, user: str = ""
    ) -> None:
        self._command = [*run_as(user), *command]
        self._home = home
        self._env = {**os.environ, "HOME": str(home), **(env or {})}
        self._log = home / "log"
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._child = _spawner.submit(self._spawn).result()

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self._log.open("wb") as output:
            return subprocess.Popen(
                self._command,
                cwd=self._home,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def is_running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        if self._child is not None:
            self._child.wait()

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def output(self) -> str:
        return self._log.read_text(errors="replace")

    def close(self) -> None:
        self.kill()

    def _signal(self, number: signal.Signals) -> None:
        if self._child is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._child.pid, number)


def run_as(user: str) -> list[str]:
    """The prefix that drops root for `user` ("" stays) and ends the process with the tests, even killed ones.

    A server's own option for that (mariadbd --user) would undo the second: a change of user clears the signal.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return []
    identity = ["--reuid", user, "--regid", user, "--init-groups"] if user and os.geteuid() == 0 else []
    return [setpriv, "--pdeathsig", "KILL", *identity, "--"]


@contextlib.contextmanager
def scratch_directory(name: str, user: str = "") -> Iterator[Path]:
    """A temporary directory that `user` owns; its path is short, for a Unix socket's path holds 107 bytes at most."""
    path = Path(tempfile.mkdtemp(prefix=f"{name}-", dir="/tmp"))
    try:
        if user and os.geteuid() == 0:
            account = pwd.getpwnam(user)
            os.chown(path, account.pw_uid, account.pw_gid)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
