"""From the trigger to the callback, and to the acceptance, at a moderate pace."""

from bench.contest import hold
from bench.figure import Figure, Options

PER_SECOND, SECONDS = 50, 10
MOST_ROUNDS = 7
"""Half a minute each."""
BAR = 0.5


def measure(options: Options) -> Figure:
    """Milliseconds."""
    runs = options.scaled(PER_SECOND * SECONDS)
    contest = hold(min(options.pairs, MOST_ROUNDS), runs, per_second=PER_SECOND)
    rows = [
        row
        for figure, what in (("callback_p50_ms", ", p50"), ("callback_p99_ms", ", p99"))
        for row in contest.rows(figure, "ms", f"≤ {BAR:g}×", lambda times: times <= BAR, what=what)
    ]
    rows += [
        row
        for figure, what in (("accept_p50_ms", ", accepted p50"), ("accept_p99_ms", ", accepted p99"))
        for row in contest.rows(figure, "ms", what=what)
    ]
    return Figure(
        "executor_latency",
        f"{PER_SECOND} runs a second for {runs / PER_SECOND:g} s, each triggered at its own time: milliseconds from "
        "the trigger to its callback, and to the answer that accepts it. The ratio is ours over the subject's.",
        rows + contest.cpu_rows(),
        contest.notes,
    )
