"""From exec to the first 200, and the memory then: settings from a file, and from a real Nacos."""

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.figure import Figure, Options, Row
from bench.pairs import Spread, interleave
from bench.process import Command, bare_process, running, web_document, web_process

BARS = {"chassis, settings from a file": (1.5, 100), "chassis, settings from Nacos": (2.2, 150)}
BARE = "FastAPI alone"
DATA_ID = "bench.yaml"


def measure(options: Options) -> Figure:
    """Each sample is a process of its own; the bytecode is compiled before."""
    from servers.ports import free_port  # noqa: PLC0415 - on the path only once bench has started
    from servers.rnacos import open_nacos  # noqa: PLC0415
    from servers.server import Missing  # noqa: PLC0415

    notes: list[str] = []
    memory: dict[str, list[float]] = {}
    with contextlib.ExitStack() as stack:
        from_file, from_nacos = BARS
        homes = {name: Path(stack.enter_context(tempfile.TemporaryDirectory())) for name in (*BARS, BARE)}
        port = free_port()
        commands = {
            BARE: bare_process("bare", port),
            from_file: web_process(homes[from_file], port),
        }
        try:
            nacos = stack.enter_context(open_nacos())
        except Missing as missing:
            notes.append(f"Nacos: skipped, {missing}.")
        else:
            with nacos.client() as client:
                client.publish(DATA_ID, web_document(port))
            connection = (
                f"nacos: {{host: '{nacos.address}', username: {nacos.username}, password: {nacos.password}, "
                f"data_id: {DATA_ID}}}\n"
            )
            commands[from_nacos] = web_process(homes[from_nacos], port, connection=connection)
        subjects = {name: _subject(command, memory.setdefault(name, [])) for name, command in commands.items()}
        for start in subjects.values():
            start()
        for samples in memory.values():
            samples.clear()
        seconds = interleave(subjects, options.pairs)
    return Figure(
        "startup",
        "`python -m app.web.server`: seconds from exec to the first 200, and resident memory at that moment.",
        [row for name in commands for row in _rows(name, seconds[name], memory[name])],
        notes,
    )


def _subject(command: Command, memory: list[float]) -> Callable[[], float]:
    def start() -> float:
        with running(command) as started:
            memory.append(started.rss_megabytes)
            return started.seconds_to_first_200

    return start


def _rows(name: str, seconds: list[float], megabytes: list[float]) -> list[Row]:
    time, size = Spread.of(seconds), Spread.of(megabytes)
    if name not in BARS:
        return [Row(f"{name}, first 200", time, "s"), Row(f"{name}, memory", size, "MB")]
    most_seconds, most_megabytes = BARS[name]
    return [
        Row(f"{name}, first 200", time, "s", bar=f"≤ {most_seconds} s", is_met=time.median <= most_seconds),
        Row(f"{name}, memory", size, "MB", bar=f"≤ {most_megabytes} MB", is_met=size.median <= most_megabytes),
    ]
