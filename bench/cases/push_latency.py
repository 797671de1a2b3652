"""Publish to applied: the chassis' whole apply against the SDK's bare listener, on one real Nacos."""

import contextlib
import itertools
import os
import queue
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

from bench.figure import Figure, Options, Row, Skipped
from bench.pairs import Spread, interleave, ratio
from bench.process import ROOT

CHASSIS, SDK = "chassis: parsed, validated, in force", "the SDK's bare listener"
BAR = 1.3
PUBLISHES_A_SAMPLE = 10
ANSWER_SECONDS = 30.0
PAUSE_SECONDS = 0.05
"""Between publishes: a server folds changes that follow at once."""

_ticks = itertools.count(1)


def measure(options: Options) -> Figure:
    """The median of ten publishes is one sample; each listener has a document of its own."""
    from servers.rnacos import open_nacos  # noqa: PLC0415 - on the path only once bench has started
    from servers.server import Missing  # noqa: PLC0415

    with contextlib.ExitStack() as stack:
        try:
            nacos = stack.enter_context(open_nacos())
        except Missing as missing:
            raise Skipped(str(missing)) from None
        client = stack.enter_context(nacos.client())
        subjects: dict[str, Callable[[], float]] = {}
        for name, kind in ((CHASSIS, "chassis"), (SDK, "sdk")):
            publish = _publisher(client.publish, f"{kind}.yaml")
            publish(0)
            listener = stack.enter_context(_listening(kind, nacos.address, nacos.password))
            subjects[name] = _subject(publish, listener)
        for warm in subjects.values():
            warm()
        samples = interleave(subjects, options.pairs)
    against = ratio(samples[CHASSIS], samples[SDK])
    rows = [
        Row(SDK, Spread.of(samples[SDK]), "ms"),
        Row(CHASSIS, Spread.of(samples[CHASSIS]), "ms", against, f"≤ {BAR}×", against.median <= BAR),
    ]
    return Figure(
        "push_latency",
        f"Milliseconds from before the publish to the listener; a sample is the median of {PUBLISHES_A_SAMPLE}.",
        rows,
    )


def _publisher(publish: Callable[[str, str], None], data_id: str) -> Callable[[int], None]:
    return lambda tick: publish(data_id, f"server: {{port: 8000}}\nbench: {{tick: {tick}}}\n")


def _subject(publish: Callable[[int], None], lines: "queue.Queue[str]") -> Callable[[], float]:
    def measure_once() -> float:
        times = []
        for _ in range(PUBLISHES_A_SAMPLE):
            tick = next(_ticks)
            started = time.monotonic()
            publish(tick)
            times.append(_arrival(lines, tick) - started)
            time.sleep(PAUSE_SECONDS)
        return statistics.median(times) * 1000

    return measure_once


@contextlib.contextmanager
def _listening(kind: str, address: str, password: str) -> Iterator["queue.Queue[str]"]:
    """A listener in a process of its own, once it listens; what it prints."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NACOS_PASSWORD": password}
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.listeners", kind, address, f"{kind}.yaml"],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    lines: queue.Queue[str] = queue.Queue()
    reader = threading.Thread(target=_read, args=(process, lines), daemon=True)
    reader.start()
    try:
        while lines.get(timeout=ANSWER_SECONDS) != "ready":
            pass
        yield lines
    finally:
        process.kill()
        process.wait()
        reader.join()


def _read(process: "subprocess.Popen[str]", lines: "queue.Queue[str]") -> None:
    assert process.stdout is not None
    with process.stdout as output:
        for line in output:
            lines.put(line.strip())


def _arrival(lines: "queue.Queue[str]", tick: int) -> float:
    while True:
        seen, _, moment = lines.get(timeout=ANSWER_SECONDS).partition(" ")
        if seen == str(tick):
            return float(moment)
