"""A line written inside a run: `ctx.log` with its two destinations, against logging's file handler with one."""

import contextlib
import functools
import json
from collections import defaultdict
from collections.abc import Callable

from bench.contest import home
from bench.driver import Loaded, open_driver
from bench.executors import our_executor, registered
from bench.figure import Figure, Options, Row
from bench.pairs import Spread, interleave, ratio

LINES = 50_000
OURS, STDLIB = "`ctx.log`: the job's log and the process's", "logging.FileHandler"
HANDLERS = {OURS: "time_lines", STDLIB: "time_stdlib_lines"}
BAR = 1.0
FIGURES = {
    "wall_us": "until all lines are in the files",
    "caller_us": "until the last call has returned",
    "cpu_us": "CPU, all threads",
}

Samples = dict[tuple[str, str], list[float]]


def measure(options: Options) -> Figure:
    """Microseconds a line."""
    from servers.ports import free_port  # noqa: PLC0415 - on the path only once bench has started

    lines = options.scaled(LINES)
    samples: Samples = defaultdict(list)
    with contextlib.ExitStack() as stack:
        driver = stack.enter_context(open_driver())
        port = free_port()
        command = our_executor(home(stack), driver, port, extra="log_max_mb: 1024")
        stack.enter_context(registered(command, driver, 20))
        subjects = {
            name: _subject(functools.partial(driver.load, port, 1, handler=handler, param=str(lines)), name, samples)
            for name, handler in HANDLERS.items()
        }
        for warm in subjects.values():
            warm()
        samples.clear()
        interleave(subjects, options.pairs)
    rows = []
    for key, what in FIGURES.items():
        ours, stdlib = samples[OURS, key], samples[STDLIB, key]
        against = ratio(ours, stdlib)
        bar, is_met = (f"≤ {BAR:.1f}×", against.median <= BAR) if key == "wall_us" else ("", None)
        rows.append(Row(f"{OURS}: {what}", Spread.of(ours), "µs"))
        rows.append(Row(f"{STDLIB}: {what}", Spread.of(stdlib), "µs", against, bar, is_met))
    return Figure(
        "executor_log_line",
        f"{lines:,} lines of the same text from a plain function's run, both in the executor's process and in the same "
        "form (time, level, trace id, thread, module, function, line). The ratio is ours over the file handler's.",
        rows,
    )


def _subject(run: Callable[[], Loaded], name: str, samples: Samples) -> Callable[[], float]:
    def measure_once() -> float:
        figures: dict[str, float] = json.loads(run().messages[0])
        for key, value in figures.items():
            samples[name, key].append(value)
        return figures["wall_us"]

    return measure_once
