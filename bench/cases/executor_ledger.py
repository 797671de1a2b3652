"""What durability costs: the ledger alone, and the executor with it, without it, and with fsync."""

import contextlib
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable

from bench.contest import home
from bench.driver import Driver, open_driver
from bench.executors import OUR_WARM_RUNS, our_executor, registered
from bench.figure import Figure, Options, Row
from bench.pairs import Spread, interleave, ratio
from bench.process import ROOT, Started

ALONE_RUNS, RUNS, WINDOW = 20_000, 2_000, 100
ALONE = {"the ledger alone": "normal", "the ledger alone, fsync": "fsync"}
EXECUTORS = {
    "executor, ledger: sqlite": "ledger: sqlite",
    "executor, ledger: sqlite, ledger_fsync": "ledger_fsync: true",
    "executor, ledger: memory": "ledger: memory",
}


def measure(options: Options) -> Figure:
    """Runs a second, and CPU a run."""
    from servers.ports import free_port  # noqa: PLC0415 - on the path only once bench has started

    cpu: dict[str, list[float]] = defaultdict(list)
    runs, alone_runs = options.scaled(RUNS), options.scaled(ALONE_RUNS)
    with contextlib.ExitStack() as stack:
        driver = stack.enter_context(open_driver())
        subjects: dict[str, Callable[[], float]] = {
            name: _alone(alone_runs, mode, cpu[name]) for name, mode in ALONE.items()
        }
        for name, extra in EXECUTORS.items():
            command = our_executor(home(stack), driver, free_port(), extra=extra)
            started = stack.enter_context(registered(command, driver, min(OUR_WARM_RUNS, runs)))
            subjects[name] = _executor(driver, started, runs, cpu[name])
        samples = interleave(subjects, options.pairs)
    rows = []
    for names in (ALONE, EXECUTORS):
        first = samples[next(iter(names))]
        rows += [Row(name, Spread.of(samples[name]), "runs/s", ratio(first, samples[name])) for name in names]
        rows += [Row(f"{name}: CPU", Spread.of(cpu[name]), "µs/run") for name in names]
    return Figure(
        "executor_ledger",
        f"Runs a second that are accepted, finished and reported, {WINDOW} under way at once. The ratio is the first "
        "of each group over the subject.",
        rows,
        ["Without fsync a run survives the death of the process (kill -9, out of memory); with it, a power failure."],
    )


def _alone(runs: int, mode: str, cpu: list[float]) -> Callable[[], float]:
    def measure_once() -> float:
        with tempfile.TemporaryDirectory() as folder:
            arguments = [folder, str(runs), str(WINDOW), mode]
            output = subprocess.run(
                [sys.executable, "-m", "bench.ledger_alone", *arguments], cwd=ROOT, capture_output=True, check=True
            ).stdout
        figures: dict[str, float] = json.loads(output)
        cpu.append(figures["cpu_us"])
        return figures["per_second"]

    return measure_once


def _executor(driver: Driver, started: Started, runs: int, cpu: list[float]) -> Callable[[], float]:
    def measure_once() -> float:
        before = started.cpu_seconds()
        completed = driver.load(started.port, runs, window=WINDOW).completed_per_second
        started.wait_until_idle()
        cpu.append((started.cpu_seconds() - before) / runs * 1e6)
        return completed

    return measure_once
