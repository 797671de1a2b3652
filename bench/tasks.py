"""The jobs of the measured executor; the settings name this module as its task package."""

import json
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from app.jobs import JobContext, job
from bench.text import line_of

DISK_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.0005


@job("noop")
async def noop() -> None:
    """Nothing but the executor's own work."""


@job("plain_noop")
def plain_noop() -> None:
    """The same in a thread."""


@job("isolated_noop", isolation="process")
def isolated_noop() -> None:
    """The same in a process of its own."""


@job("write_lines")
def write_lines(ctx: JobContext) -> None:
    """As many lines as the parameter says."""
    for number in range(1, int(ctx.param) + 1):
        ctx.log.info(line_of(number))
        if number % 5000 == 0:
            time.sleep(0.06)  # the process's log drops lines rather than wait; this is about the job's log


@job("time_lines")
def time_lines(ctx: JobContext) -> str:
    """What a line of `ctx.log` costs until all are in the job's log and the process's."""
    folders = (Path(os.environ["XXL_LOG_PATH"]), Path(os.environ["LOG_PATH"]))
    write: Callable[[str], object] = ctx.log.info
    return _time(write, int(ctx.param), lambda: [_newest(folder) for folder in folders])


@job("time_stdlib_lines")
def time_stdlib_lines(ctx: JobContext) -> str:
    """What a line costs by logging's own file handler, in the same form."""
    path = Path(os.environ["DATA_DIR"]) / "stdlib.log"
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(
        logging.Formatter(
            f"[%(asctime)s.%(msecs)03d] [%(levelname)s] [{ctx.trace_id}] [%(threadName)s] "
            "[%(module)s:%(funcName)s:%(lineno)d] %(message)s",
            "%Y-%m-%d %H:%M:%S",
        )
    )
    logger = logging.Logger("bench.stdlib", logging.INFO)  # noqa: LOG001 - of no hierarchy, so that nothing else listens
    logger.addHandler(handler)
    try:
        return _time(logger.info, int(ctx.param), lambda: [path])
    finally:
        handler.close()
        path.unlink()


def _time(write: Callable[[str], object], lines: int, list_files: Callable[[], list[Path]]) -> str:
    text = line_of(0)
    write(text)
    before = {file: file.stat().st_size for file in list_files() if file.exists()}
    began, used = time.perf_counter(), time.process_time()
    for _ in range(lines):
        write(text)
    returned = time.perf_counter()
    deadline = returned + DISK_SECONDS
    files = list_files()
    while any(file.stat().st_size - before.get(file, 0) < lines * len(text) for file in files):
        if time.perf_counter() > deadline:
            raise RuntimeError(f"lines are missing in {', '.join(file.name for file in files)}")
        time.sleep(_POLL_SECONDS)
    figures = {
        "wall_us": (time.perf_counter() - began) / lines * 1e6,
        "caller_us": (returned - began) / lines * 1e6,
        "cpu_us": (time.process_time() - used) / lines * 1e6,
    }
    return json.dumps(figures)


def _newest(folder: Path) -> Path:
    return max(folder.glob("*/*.log"), key=lambda file: file.stat().st_mtime_ns)
