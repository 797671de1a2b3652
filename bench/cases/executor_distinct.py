"""Runs of many jobs: how many an executor completes in a second, from the first trigger to the last callback."""

from bench.contest import hold
from bench.figure import Figure, Options

RUNS = 2_000
JOB_IDS, WINDOW, CONNECTIONS = 200, 100, 16
BAR = 6.0


def measure(options: Options) -> Figure:
    """Runs a second."""
    runs = options.scaled(RUNS)
    contest = hold(options.pairs, runs, job_ids=JOB_IDS, window=WINDOW, connections=CONNECTIONS)
    rows = contest.rows("completed_per_second", "runs/s", f"≥ {BAR:g}×", lambda times: times >= BAR)
    return Figure(
        "executor_distinct",
        f"{runs:,} runs of an async job that does nothing, {JOB_IDS} job ids, {WINDOW} under way at once, "
        f"{CONNECTIONS} connections: completed a second, from the first trigger to the last callback. The ratio is "
        "ours over the subject's.",
        rows + contest.cpu_rows(),
        contest.notes,
    )
