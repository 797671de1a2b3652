"""What a hundred thousand runs leave behind: memory and speed against an executor that has just warmed up."""

import contextlib

from bench.contest import home
from bench.driver import open_driver
from bench.executors import our_executor, registered
from bench.figure import Figure, Options, Row
from bench.pairs import Spread
from bench.process import rss_megabytes

RUNS, WARM_RUNS, PARTS = 100_000, 2_000, 10
BAR_MEGABYTES, BAR_SPEED = 5.0, 0.9


def measure(options: Options) -> Figure:
    """Megabytes, and runs a second by tenths."""
    from servers.ports import free_port  # noqa: PLC0415 - on the path only once bench has started

    part = options.scaled(RUNS // PARTS)
    with contextlib.ExitStack() as stack:
        driver = stack.enter_context(open_driver())
        port = free_port()
        started = stack.enter_context(registered(our_executor(home(stack), driver, port), driver, WARM_RUNS))
        before = rss_megabytes(started.pid)
        speeds, sizes = [], []
        for _ in range(PARTS):
            speeds.append(driver.load(port, part).completed_per_second)
            started.wait_until_idle()
            sizes.append(rss_megabytes(started.pid))
    growth, speed = Spread.of([sizes[-1] - before]), Spread.of([speeds[-1] / speeds[0]])
    megabytes = f"≤ +{BAR_MEGABYTES:g} MB"
    return Figure(
        "executor_memory",
        f"{part * PARTS:,} runs in one process after {WARM_RUNS:,} to warm up; 200 job ids, 100 under way at once.",
        [
            Row(f"resident after {WARM_RUNS:,} runs", Spread.of([before]), "MB"),
            Row("resident at the end", Spread.of(sizes[-1:]), "MB", Spread.of([sizes[-1] / before])),
            Row("grown", growth, "MB", None, megabytes, growth.median <= BAR_MEGABYTES),
            Row("the first tenth", Spread.of(speeds[:1]), "runs/s"),
            Row(
                "the last tenth",
                Spread.of(speeds[-1:]),
                "runs/s",
                speed,
                f"≥ {BAR_SPEED:g}×",
                speed.median >= BAR_SPEED,
            ),
        ],
        [
            f"Resident after each tenth, MB: {', '.join(f'{size:.1f}' for size in sizes)}.",
            f"Runs a second in each tenth: {', '.join(f'{speed:,.0f}' for speed in speeds)}.",
        ],
    )
