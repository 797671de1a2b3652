"""One load on every executor in turn: ours and Java's run all the time, stock pyxxl starts afresh for each sample."""

import contextlib
import tempfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.driver import Driver, Loaded, open_driver
from bench.executors import (
    JAVA,
    JAVA_WARM_RUNS,
    OUR_WARM_RUNS,
    OURS,
    STOCK,
    STOCK_WARM_RUNS,
    java_executor,
    our_executor,
    registered,
    stock_executor,
)
from bench.figure import Row, Skipped
from bench.pairs import Spread, interleave, ratio
from bench.process import Started


class Contest:
    """Samples by executor: of the loads, and CPU milliseconds a run."""

    def __init__(self) -> None:
        self.loads: dict[str, list[Loaded]] = defaultdict(list)
        self.cpu_ms: dict[str, list[float]] = defaultdict(list)
        self.notes: list[str] = []

    def of(self, name: str, figure: str) -> list[float]:
        """A figure of each load."""
        return [float(getattr(load, figure)) for load in self.loads[name]]

    def rows(
        self, figure: str, unit: str, bar: str = "", is_met: Callable[[float], bool] | None = None, *, what: str = ""
    ) -> list[Row]:
        """Ours over each other's; the bar is against stock pyxxl."""
        ours = self.of(OURS, figure)
        rows = [Row(f"{OURS}{what}", Spread.of(ours), unit)]
        for name in (STOCK, JAVA):
            if self.loads[name]:
                samples = self.of(name, figure)
                against = ratio(ours, samples)
                row = Row(f"{name}{what}", Spread.of(samples), unit, against)
                rows.append(replace(row, bar=bar, is_met=is_met(against.median)) if is_met and name == STOCK else row)
        return rows

    def cpu_rows(self) -> list[Row]:
        return [
            Row(f"{name}: CPU", Spread.of(taken), "ms/run", ratio(self.cpu_ms[OURS], taken))
            for name, taken in self.cpu_ms.items()
            if taken
        ]

    def measure(self, driver: Driver, name: str, started: Started, runs: int, load: dict[str, Any]) -> float:
        """One sample."""
        before = started.cpu_seconds()
        loaded = driver.load(started.port, runs, **load)
        started.wait_until_idle()
        self.cpu_ms[name].append((started.cpu_seconds() - before) / runs * 1000)
        self.loads[name].append(loaded)
        return loaded.completed_per_second


def hold(rounds: int, runs: int, **load: Any) -> Contest:
    """So many rounds of the same load."""
    from servers.ports import free_port  # noqa: PLC0415 - on the path only once bench has started

    contest = Contest()
    with contextlib.ExitStack() as stack:
        driver = stack.enter_context(open_driver())
        ours = stack.enter_context(
            registered(our_executor(home(stack), driver, free_port()), driver, min(OUR_WARM_RUNS, runs))
        )
        subjects = {
            OURS: lambda: contest.measure(driver, OURS, ours, runs, load),
            STOCK: lambda: _measure_stock(contest, driver, free_port(), runs, load),
        }
        try:
            command = java_executor(home(stack), driver, free_port())
        except Skipped as reason:
            contest.notes.append(f"{JAVA}: skipped, {reason}.")
        else:
            java = stack.enter_context(registered(command, driver, JAVA_WARM_RUNS))
            subjects[JAVA] = lambda: contest.measure(driver, JAVA, java, runs, load)
        interleave(subjects, rounds)
    contest.notes += _notes(contest)
    return contest


def _measure_stock(contest: Contest, driver: Driver, port: int, runs: int, load: dict[str, Any]) -> float:
    with contextlib.ExitStack() as stack:
        command = stock_executor(home(stack), driver, port)
        started = stack.enter_context(registered(command, driver, STOCK_WARM_RUNS))
        return contest.measure(driver, STOCK, started, runs, load)


def home(stack: contextlib.ExitStack) -> Path:
    """A folder for an executor, gone with the stack."""
    return Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))


def _notes(contest: Contest) -> list[str]:
    batches = ", ".join(
        f"{name} {Spread.of(contest.of(name, 'callbacks_a_request')).median:.1f}" for name in contest.loads
    )
    load_cpu = Spread.of([taken for name in contest.loads for taken in contest.of(name, "load_cpu_us_a_run")]).median
    notes = [
        f"Console and load are one process for all, {load_cpu:.0f} µs of CPU a run; callbacks a request: {batches}.",
        "Stock pyxxl starts afresh for each sample (it slows down with every run it has done), its output to "
        "/dev/null; ours has its ledger, its log file and the job logs on. CPU is that of the whole process.",
    ]
    if doubled := {name: count for name in contest.loads if (count := sum(contest.of(name, "duplicates")))}:
        notes.append(f"Callbacks that came twice: {doubled}.")
    return notes
