"""Servers as child processes: the web process as a user starts it, and what it is compared with."""

import contextlib
import http.client
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
HOST = "127.0.0.1"
ROUTE = "/demo/hello/world"
START_SECONDS = 30.0
_CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
SERVER_CORE = _CORES[0] if len(_CORES) > 1 else None
CLIENT_CORES = _CORES[1:] if len(_CORES) > 1 else None
IDLE_SECONDS = 10.0
IDLE_SHARE = 0.2
"""Of a core: a server below it has nothing left to do for the load that is over."""
_POLL_SECONDS = 0.002
_IDLE_POLL_SECONDS = 0.1


def _answers_route(port: int) -> bool:
    return answers("GET", ROUTE, port)


@dataclass(frozen=True)
class Command:
    """How a server is started: its arguments, its environment, where it answers and how one sees that it does."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    port: int
    program: str = sys.executable
    folder: Path = ROOT
    is_ready: Callable[[int], bool] = _answers_route
    is_quiet: bool = False
    """What it prints goes to /dev/null, not to a file that a failed start is explained from."""


@dataclass(frozen=True)
class Started:
    """A server that has answered its first request."""

    pid: int
    port: int
    seconds_to_first_200: float
    rss_megabytes: float
    """At that moment."""

    def wait_until_idle(self) -> None:
        """Lets a queue that the load has filled drain: it would be paid for by the next subject."""
        deadline = time.monotonic() + IDLE_SECONDS
        used = self.cpu_seconds()
        while time.monotonic() < deadline:
            time.sleep(_IDLE_POLL_SECONDS)
            before, used = used, self.cpu_seconds()
            if used - before < IDLE_SHARE * _IDLE_POLL_SECONDS:
                return

    def cpu_seconds(self) -> float:
        """What the process has used so far, all threads; NaN where /proc is absent."""
        stat = Path(f"/proc/{self.pid}/stat")
        if not stat.exists():
            return float("nan")
        fields = stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def web_process(home: Path, port: int, document: str | None = None, connection: str | None = None) -> Command:
    """`python -m app.web.server` outside the local environment, with its files below `home`.

    `connection` is a `nacos` section; without it the settings stand in the file. Access lines go to the log file only,
    as the others' go to one place only.
    """
    (home / "config_bench.yaml").write_text(connection or document or web_document(port))
    variables = {
        "APP_ENV": "bench",
        "CONFIG_DIR": str(home),
        "DATA_DIR": str(home / "data"),
        "LOG_PATH": str(home / "log"),
        "XXL_LOG_PATH": str(home / "xxl_log"),
    }
    return Command(["-m", "app.web.server"], variables, port)


def web_document(port: int) -> str:
    """The settings of the measured web process."""
    return (
        f"server: {{host: {HOST}, port: {port}, ops_token: {secrets.token_hex(16)}}}\n"
        "log: {console: false}\n"
        "xxl-job: {access_token: " + secrets.token_hex(16) + "}\n"
    )


def bare_process(app: str, port: int, *, access_log: bool = False, home: Path | None = None) -> Command:
    """An application of `bench.baselines` under uvicorn, with the event loop and parser that the chassis uses."""
    flags = ["--host", HOST, "--port", str(port), "--loop", "uvloop", "--http", "httptools", "--log-level", "info"]
    switch = "--access-log" if access_log else "--no-access-log"
    variables = {"BENCH_LOG": str(home / f"{app}.log")} if home else {}
    return Command(["-m", "uvicorn", f"bench.baselines:{app}", *flags, switch], variables, port)


@contextlib.contextmanager
def running(command: Command, *, core: int | None = None) -> Iterator[Started]:
    """Starts the server, waits for its first 200, keeps it on `core` from then on, and ends it by SIGTERM."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **command.environment}
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            [command.program, *command.arguments],
            cwd=command.folder,
            env=environment,
            stdout=subprocess.DEVNULL if command.is_quiet else output,
            stderr=subprocess.STDOUT,
        )
        try:
            while not command.is_ready(command.port):
                if process.poll() is not None or time.perf_counter() - started > START_SECONDS:
                    output.seek(0)
                    raise RuntimeError(f"{command.arguments} did not start:\n{output.read().decode()[-2000:]}")
                time.sleep(_POLL_SECONDS)
            seconds = time.perf_counter() - started
            if core is not None:
                _keep_on(process.pid, core)
            yield Started(process.pid, command.port, seconds, rss_megabytes(process.pid))
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _keep_on(pid: int, core: int) -> None:
    """Every thread: an affinity set from outside is one thread's own."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})


def answers(method: str, route: str, port: int, headers: Mapping[str, str] | None = None) -> bool:
    """Whether the server answers 200."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request(method, route, headers=headers or {})
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def rss_megabytes(pid: int) -> float:
    """Resident memory; NaN where /proc is absent."""
    status = Path(f"/proc/{pid}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), float("nan"))
