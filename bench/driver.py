"""The parent's handle of `bench.drive`."""

import contextlib
import dataclasses
import json
import os
import queue
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from bench.process import HOST, ROOT, START_SECONDS
from bench.triggers import Load

LONGEST_LOAD_SECONDS: Final = 1800.0
TOKEN: Final = secrets.token_hex(16)


@dataclass(frozen=True)
class Loaded:
    """What one load measured. Every run was accepted, succeeded, and was called back."""

    completed_per_second: float
    callback_p50_ms: float
    callback_p99_ms: float
    accept_p50_ms: float
    accept_p99_ms: float
    callbacks_a_request: float
    load_cpu_us_a_run: float
    duplicates: int
    messages: list[str]
    """Of the first runs that had one."""
    log_id: int
    """Of the first run."""
    log_date_time: int


class Driver:
    """Console and load; one command at a time."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        port = int(self._lines.get(timeout=START_SECONDS))
        self.console_url = f"http://{HOST}:{port}/xxl-job-admin"

    def wait_until_registered(self, port: int) -> None:
        """Until the executor of that port has registered."""
        self._ask({"registered": port}, START_SECONDS)

    def load(self, port: int, runs: int, **options: Any) -> Loaded:
        """Raises RuntimeError when a run was refused, failed, or was never called back."""
        answer = self._ask(dataclasses.asdict(Load(port, TOKEN, runs, **options)), LONGEST_LOAD_SECONDS)
        problems = {
            "broke": answer.get("error"),
            "never called back": answer.get("missing"),
            "refused": answer.get("refusals"),
            "failed": answer.get("failures"),
        }
        if found := {name: value for name, value in problems.items() if value}:
            raise RuntimeError(f"of {runs} runs: {str(found)[:2000]}")
        return Loaded(**{field.name: answer[field.name] for field in dataclasses.fields(Loaded)})

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def _ask(self, command: dict[str, Any], seconds: float) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        try:
            answer: dict[str, Any] = json.loads(self._lines.get(timeout=seconds))
        except queue.Empty:
            raise RuntimeError(f"nothing came of {command}") from None
        return answer

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as output:
            for line in output:
                self._lines.put(line)


@contextlib.contextmanager
def open_driver() -> Iterator[Driver]:
    """Starts console and load."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.drive"],
        cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    driver = Driver(process)
    try:
        yield driver
    finally:
        driver.close()
