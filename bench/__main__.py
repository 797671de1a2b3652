"""`python -m bench [name…] [--pairs N] [--seconds S] [--scale F]`: measures, prints, and writes bench/RESULTS.md."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.figure import Figure, Options, Skipped
from bench.machine import describe
from bench.report import render, write

CASES = (
    "settings_read",
    "web_throughput",
    "startup",
    "push_latency",
    "executor_distinct",
    "executor_serial",
    "executor_latency",
    "executor_log_page",
    "executor_log_line",
    "executor_isolation",
    "executor_ledger",
    "executor_memory",
)


def main(arguments: Sequence[str]) -> int:
    """Exit code 1 when a bar isn't met."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures the chassis; median of pairs.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(CASES)}; all by default")
    parser.add_argument("--pairs", type=int, default=Options.pairs)
    parser.add_argument("--seconds", type=float, default=Options.seconds)
    parser.add_argument(
        "--scale", type=float, default=Options.scale, help="of the executor's loads; nothing is written"
    )
    parsed = parser.parse_args(arguments)
    if unknown := set(parsed.names) - set(CASES):
        parser.error(f"no such case: {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    sys.path.append(str(Path(__file__).parents[1] / "tests"))  # the real servers stand there
    options = Options(parsed.pairs, parsed.seconds, parsed.scale)
    met = {name: _run(name, options) for name in parsed.names or CASES}
    return 0 if all(met.values()) else 1


def _run(name: str, options: Options) -> bool:
    print(f"{name}: measuring …", flush=True)
    machine = describe()
    try:
        figure: Figure = importlib.import_module(f"bench.cases.{name}").measure(options)
    except Skipped as reason:
        print(f"{name}: skipped, {reason}\n", flush=True)
        return True
    if options.scale == Options.scale:
        write([figure], machine)
    print(render(figure, machine) + "\n", flush=True)
    return figure.is_met


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
