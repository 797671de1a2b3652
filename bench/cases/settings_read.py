"""What it costs to read the live settings, against an attribute of a module."""

import timeit
from collections.abc import Callable
from datetime import UTC, datetime

from app.common.context import pinned_snapshot_var
from app.config import snapshot as snapshots
from app.config.settings import CoreSettings
from app.config.snapshot import LiveState, Settings, Snapshot, current, settings
from bench.figure import Figure, Options, Row
from bench.pairs import Spread, interleave, ratio

READS = 1_000
REPEATS = 300
BAR_NS = 100


def measure(options: Options) -> Figure:
    """Nanoseconds a read."""
    core = CoreSettings()
    value = Settings(core.server, core.database, core.log, core.xxl_job, core.wechat, core.settings, {}, {})
    snapshot = Snapshot(1, "0" * 32, datetime.now(UTC), "bench", value)
    former, current.state = current.state, LiveState(snapshot)
    try:
        samples = interleave(
            {
                "attribute of a module": _timer("module.current", module=snapshots),
                "`settings()`, outside of a request": _timer("settings()", settings=settings),
                "`settings()`, pinned": _pinned(snapshot, _timer("settings()", settings=settings)),
            },
            options.pairs,
        )
    finally:
        current.state = former
    base = next(iter(samples))
    rows = [
        Row(base, Spread.of(samples[base]), "ns"),
        *(
            Row(name, found := Spread.of(taken), "ns", ratio(taken, samples[base]), f"≤ {BAR_NS} ns",
                found.median <= BAR_NS)
            for name, taken in samples.items() if name != base
        ),
    ]  # fmt: skip
    return Figure(
        "settings_read",
        f"One read of the settings; a sample is the fastest of {REPEATS} runs of {READS:,} reads.",
        rows,
    )


def _timer(statement: str, **names: object) -> Callable[[], float]:
    timer = timeit.Timer(statement, globals=names)
    return lambda: min(timer.repeat(REPEATS, READS)) / READS * 1e9


def _pinned(snapshot: Snapshot, measure_once: Callable[[], float]) -> Callable[[], float]:
    def measure_pinned() -> float:
        token = pinned_snapshot_var.set(snapshot)
        try:
            return measure_once()
        finally:
            pinned_snapshot_var.reset(token)

    return measure_pinned
