"""Executors as child processes: ours as a user starts it, stock pyxxl, and Java's."""

import contextlib
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench.driver import TOKEN, Driver
from bench.figure import Skipped
from bench.process import HOST, ROOT, Command, Started, answers, running

OURS: Final = "ours, ledger on"
STOCK: Final = "stock pyxxl 0.4.8"
JAVA: Final = "Java (xxl-job-core 3.3.2)"
OUR_WARM_RUNS: Final = 500
STOCK_WARM_RUNS: Final = 50
"""Few: it slows down with every run it has done."""
JAVA_WARM_RUNS: Final = 2_000
BUILD_SECONDS: Final = 600
_JAVA_PROJECT: Final = ROOT / "bench" / "peers" / "java"


def our_executor(home: Path, driver: Driver, port: int, *, extra: str = "", log: str = "console: false") -> Command:
    """`python -m app.xxl_job.scheduler_server`; `extra` are more lines of the xxl-job section."""
    lines = [
        f"url: {driver.console_url}", f"access_token: {TOKEN}", "app_name: bench-executor", f"host: {HOST}",
        f"port: {port}", "task_packages: [bench.tasks]", *extra.splitlines(),
    ]  # fmt: skip
    text = "xxl-job:\n" + "".join(f"  {line}\n" for line in lines) + f"log: {{{log}}}\n"
    (home / "config_bench.yaml").write_text(text)
    variables = {
        "APP_ENV": "bench",
        "CONFIG_DIR": str(home),
        "DATA_DIR": str(home / "data"),
        "LOG_PATH": str(home / "log"),
        "XXL_LOG_PATH": str(home / "xxl_log"),
    }
    return Command(["-m", "app.xxl_job.scheduler_server"], variables, port, is_ready=_beats)


def stock_executor(home: Path, driver: Driver, port: int) -> Command:
    """As its documentation shows it; its lines to /dev/null, and to files below `home` as always."""
    arguments = ["-m", "bench.peers.pyxxl_executor", driver.console_url, str(port), TOKEN]
    return Command(arguments, {}, port, folder=home, is_ready=_beats, is_quiet=True)


def java_executor(home: Path, driver: Driver, port: int) -> Command:
    """Raises Skipped without a JDK and Maven."""
    target = _built_java()
    options = ["-Xmx1g", "-cp", f"{target}/java-executor-1.jar:{target}/lib/*"]
    arguments = [*options, "bench.Executor", driver.console_url, str(port), TOKEN, str(home / "logs")]
    return Command(arguments, {}, port, program="java", folder=home, is_ready=_beats, is_quiet=True)


@contextlib.contextmanager
def registered(command: Command, driver: Driver, warm_runs: int) -> Iterator[Started]:
    """The executor, known to the console and warmed up."""
    with running(command) as started:
        driver.wait_until_registered(command.port)
        driver.load(command.port, warm_runs)
        started.wait_until_idle()
        yield started


def _beats(port: int) -> bool:
    return answers("POST", "/beat", port, {"XXL-JOB-ACCESS-TOKEN": TOKEN})


def _built_java() -> Path:
    """Built once for each state of its sources, outside the checkout."""
    if not (shutil.which("java") and shutil.which("javac") and shutil.which("mvn")):
        raise Skipped("Java's executor needs a JDK and Maven")
    files = sorted(file for file in _JAVA_PROJECT.rglob("*") if file.is_file())
    state = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tenon"
    place = Path(os.environ.get("TENON_CACHE") or cache) / "peers" / f"java-{state}"
    if not (place / "built").exists():
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(_JAVA_PROJECT, place)
        made = subprocess.run(
            ["mvn", "-q", "-B", "package"],
            cwd=place,
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
        )
        if made.returncode:
            raise Skipped(f"Java's executor can't be built: {made.stdout[-500:]}")
        (place / "built").touch()
    return place / "target"
