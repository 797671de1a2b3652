"""Child processes of `make run`: started in sessions of their own, their output prefixed, stopped in order."""

import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import IO, Final

from app.config.environment import PROJECT_ROOT

_COLOURS: Final = {"web": "\033[36m", "executor": "\033[35m"}
_RESET: Final = "\033[0m"
_STOP_SECONDS: Final = 40.0


@dataclass(frozen=True)
class Child:
    """One process and the thread that prefixes what it prints."""

    name: str
    module: str
    process: subprocess.Popen[str]
    printer: threading.Thread

    @property
    def exit_code(self) -> int | None:
        return self.process.poll()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL to one that doesn't end; its last lines are printed."""
        if self.exit_code is None:
            self.process.terminate()
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.printer.join(timeout=5)

    def restarted(self) -> "Child":
        """A new process in the place of this one."""
        self.stop()
        return start(self.name, self.module)


def start(name: str, module: str) -> Child:
    """Runs `python -m module`; Ctrl-C doesn't reach it, so that its parent can stop the children in order."""
    process = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", module],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",  # whatever a child prints, its pipe must be emptied
        bufsize=1,
        start_new_session=True,
    )
    assert process.stdout is not None  # noqa: S101 - PIPE was asked for
    printer = threading.Thread(target=_print_prefixed, args=(name, process.stdout), name=f"print {name}", daemon=True)
    printer.start()
    return Child(name, module, process, printer)


def _print_prefixed(name: str, stream: IO[str]) -> None:
    coloured = sys.stdout.isatty()
    prefix = f"{_COLOURS[name]}{name:<8}{_RESET} | " if coloured else f"{name:<8} | "
    with stream:
        for line in stream:
            sys.stdout.write(prefix + line)
            sys.stdout.flush()
