"""The full chassis against FastAPI alone, with uvicorn's access log, and with the usual middleware and log."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.figure import Figure, Options, Row
from bench.pairs import Spread, interleave, ratio
from bench.process import CLIENT_CORES, ROOT, ROUTE, SERVER_CORE, Started, bare_process, running, web_process

CONNECTIONS = 32
WARM_SECONDS = 0.3
CHASSIS = "chassis: trace, access line, metrics, pinning"
BARS = {
    "FastAPI alone": 0.90,
    "FastAPI, uvicorn's access log": 1.15,
    "FastAPI, BaseHTTPMiddleware, loguru enqueue": 3.5,
}


def measure(options: Options) -> Figure:
    """Requests a second; every server runs all the time on the same core and is loaded in turn."""
    from servers.ports import free_port  # noqa: PLC0415 - on the path only once bench has started

    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        commands = dict(
            zip(
                [CHASSIS, *BARS],
                [
                    web_process(home, free_port()),
                    bare_process("bare", free_port()),
                    bare_process("bare", free_port(), access_log=True),
                    bare_process("usual", free_port(), home=home),
                ],
                strict=True,
            )
        )
        servers = {name: stack.enter_context(running(command, core=SERVER_CORE)) for name, command in commands.items()}
        for server in servers.values():
            _load(server.port, 1.0)
        cpu: dict[str, list[float]] = {name: [] for name in servers}
        subjects = {name: _subject(server, options.seconds, cpu[name]) for name, server in servers.items()}
        samples = interleave(subjects, options.pairs)
    rows = [Row(CHASSIS, Spread.of(samples[CHASSIS]), "req/s")]
    for name, bar in BARS.items():
        against = ratio(samples[CHASSIS], samples[name])
        rows.append(Row(name, Spread.of(samples[name]), "req/s", against, f"≥ {bar:.2f}×", against.median >= bar))
    return Figure(
        "web_throughput",
        f"`GET {ROUTE}`, {CONNECTIONS} keep-alive connections, {options.seconds:g} s a sample, one server process on "
        "one core, uvloop and httptools everywhere. The ratio is the chassis' throughput over the subject's.",
        rows
        + [Row(f"{name}: CPU", Spread.of(cpu[name]), "µs/request", ratio(cpu[CHASSIS], cpu[name])) for name in cpu],
        ["CPU is that of the whole server process, all threads: it says what a busy machine hides."],
    )


def _subject(server: Started, seconds: float, cpu_microseconds: list[float]) -> Callable[[], float]:
    def measure_once() -> float:
        before = server.cpu_seconds()
        load = _load(server.port, seconds)
        server.wait_until_idle()
        cpu_microseconds.append((server.cpu_seconds() - before) / load["requests"] * 1e6)
        return load["requests_per_second"]

    return measure_once


def _load(port: int, seconds: float) -> dict[str, float]:
    arguments = [str(port), ROUTE, str(CONNECTIONS), str(WARM_SECONDS), str(seconds)]
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.load", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    if CLIENT_CORES:
        os.sched_setaffinity(process.pid, CLIENT_CORES)
    output, _ = process.communicate()
    if process.returncode:
        raise RuntimeError("the load ended with an error")
    result: dict[str, float] = json.loads(output)
    return result
