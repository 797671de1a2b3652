"""Runs of one job under SERIAL_EXECUTION: how many an executor completes in a second."""

from bench.contest import hold
from bench.figure import Figure, Options

RUNS = 1_000
WINDOW, CONNECTIONS = 20, 8
BAR = 10.0


def measure(options: Options) -> Figure:
    """Runs a second."""
    runs = options.scaled(RUNS)
    contest = hold(options.pairs, runs, job_ids=1, window=WINDOW, connections=CONNECTIONS)
    rows = contest.rows("completed_per_second", "runs/s", f"≥ {BAR:g}×", lambda times: times >= BAR)
    return Figure(
        "executor_serial",
        f"{runs:,} runs of one async job that does nothing, SERIAL_EXECUTION, {WINDOW} under way at once (stock "
        f"pyxxl's queue holds 30), {CONNECTIONS} connections. The ratio is ours over the subject's.",
        rows + contest.cpu_rows(),
        contest.notes,
    )
