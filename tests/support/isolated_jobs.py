"""Jobs for child processes: each breaks or uses something that only a process of its own survives or has."""

import asyncio
import ctypes
import logging
import os
import subprocess
import sys
import threading
import time
import warnings

from pydantic import BaseModel
from pyxxl.ctx import g
from sqlalchemy import text

from app.alerts.base import AlertEvent
from app.common.const import AlarmLevel
from app.common.logger import log
from app.config.live import settings, snapshot
from app.jobs import JobContext, job
from app.jobs.options import Retry


class Sum(BaseModel):
    numbers: list[int]


class Trouble(ValueError):
    """An exception of a job's own."""


@job("iso_noop", isolation="process")
def iso_noop() -> None:
    return None


@job("iso_where", isolation="process")
def iso_where(ctx: JobContext) -> dict[str, object]:
    return {"pid": os.getpid(), "param": ctx.param, "shard": [ctx.shard_index, ctx.shard_total], "trace": ctx.trace_id}


@job("iso_async", isolation="process")
async def iso_async(ctx: JobContext) -> str:
    await asyncio.sleep(0)
    return f"async {ctx.attempt}"


@job("iso_sum", args=Sum, isolation="process")
def iso_sum(ctx: JobContext) -> int:
    return sum(ctx.args.numbers)


@job("iso_settings", isolation="process")
def iso_settings() -> list[object]:
    taken = snapshot()
    shop = [settings().get(f"shop.{key}") for key in ("limit", "secret", "literal")]
    return [*shop, taken.revision, taken.md5]


@job("iso_live", isolation="process", live=True)
async def iso_live(ctx: JobContext) -> str:
    first = settings().get("shop.limit")
    ctx.log.info("first read")
    while settings().get("shop.limit") == first:
        await asyncio.sleep(0.02)
    return f"{first} then {settings().get('shop.limit')}"


@job("iso_talk", isolation="process")
def iso_talk(ctx: JobContext) -> None:
    ctx.log.bind(count=3).info("by ctx.log")
    log.info("by loguru")
    logging.getLogger("some.library").warning("by logging")
    print("by print")  # noqa: T201
    print("to stderr", file=sys.stderr)  # noqa: T201
    warnings.warn("by warnings", UserWarning, stacklevel=1)
    thread = threading.Thread(target=lambda: log.info("by a thread"))
    thread.start()
    thread.join()
    os.write(1, b"past python\n")
    subprocess.run(["sh", "-c", "echo by a process"], check=True)


@job("iso_many_lines", isolation="process")
def iso_many_lines(ctx: JobContext) -> None:
    for number in range(int(ctx.param)):
        ctx.log.bind(number=number).info("line")


@job("iso_raise", isolation="process")
def iso_raise() -> None:
    raise Trouble("no more apples")


@job("iso_logged_error", isolation="process")
def iso_logged_error(ctx: JobContext) -> None:
    try:
        iso_raise()
    except Trouble:
        ctx.log.exception("went wrong")


@job("iso_alert", isolation="process")
def iso_alert(ctx: JobContext) -> None:
    ctx.runtime.alerts.raise_alert(AlertEvent("low_stock", AlarmLevel.URGENT, "apples are low", {"shop": "a"}))


@job("iso_exit", isolation="process")
def iso_exit() -> None:
    os._exit(3)


@job("iso_system_exit", isolation="process")
def iso_system_exit() -> None:
    raise SystemExit(5)


@job("iso_segfault", isolation="process")
def iso_segfault() -> None:
    ctypes.string_at(0)


@job("iso_sigkill", isolation="process")
def iso_sigkill() -> None:
    os.kill(os.getpid(), 9)


@job("iso_memory", isolation="process", memory_mb=64)
def iso_memory() -> int:
    return len(bytearray(512 * 1024 * 1024))


@job("iso_cpu", isolation="process", cpu_seconds=1)
def iso_cpu() -> None:
    while True:
        pass


@job("iso_deaf", isolation="process")
def iso_deaf(ctx: JobContext) -> None:
    """Starts a process, tells its id and its own, and listens to nobody."""
    started = subprocess.Popen(["sleep", "600"])
    ctx.log.bind(own=os.getpid(), started=started.pid).info("deaf")
    while True:
        time.sleep(0.01)


@job("iso_wedged", isolation="process")
def iso_wedged(ctx: JobContext) -> None:
    """Holds the interpreter in C for a minute."""
    ctx.log.bind(own=os.getpid()).info("wedged")
    ctypes.PyDLL(None).sleep(60)


@job("iso_polite", isolation="process")
def iso_polite(ctx: JobContext) -> None:
    ctx.log.bind(own=os.getpid()).info("polite")
    while not ctx.should_stop():
        time.sleep(0.01)
    log.info("asked to stop")


@job("iso_cancelled", isolation="process")
async def iso_cancelled(ctx: JobContext) -> None:
    ctx.log.info("asleep")
    try:
        await asyncio.sleep(600)
    finally:
        log.info("cancelled")


@job("iso_leaves_child", isolation="process")
def iso_leaves_child(ctx: JobContext) -> None:
    """Leaves a process behind that holds every descriptor and is in another session."""
    if os.fork() == 0:
        os.setsid()
        time.sleep(3)
        os._exit(0)
    os._exit(4)


@job("iso_database", isolation="process")
async def iso_database(ctx: JobContext) -> int:
    async with ctx.runtime.db.transaction() as session:
        return int((await session.execute(text("SELECT 41 + 1"))).scalar_one())


@job("iso_second_try", isolation="process", retry=Retry(attempts=3, first_seconds=0.01, only=(Trouble,)))
def iso_second_try(ctx: JobContext) -> str:
    if ctx.attempt < 2:
        raise Trouble("not yet")
    return f"attempt {ctx.attempt}"


@job("iso_pyxxl", isolation="process")
def iso_pyxxl() -> str:
    g.logger.info("by g.logger")
    return str(g.xxl_run_data.executorParams)
