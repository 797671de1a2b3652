"""Jobs of the fault tests: each execution leaves one line in a file of its own, whatever the executor says of it."""

import asyncio
import os
import signal
import time

from app.jobs import JobContext, job
from support.notes import NOTES_VARIABLE, write_note


def seconds_of(ctx: JobContext) -> float:
    """The parameter is how long the run takes."""
    write_note(os.environ[NOTES_VARIABLE], ctx.log_id)
    ctx.log.bind(seconds=ctx.param).info("noted")
    return float(ctx.param or 0)


@job("note_run")
async def note_run(ctx: JobContext) -> str:
    await asyncio.sleep(seconds_of(ctx))
    return f"noted {ctx.log_id}"


@job("note_run_in_thread")
def note_run_in_thread(ctx: JobContext) -> str:
    time.sleep(seconds_of(ctx))
    return f"noted {ctx.log_id}"


@job("note_run_in_process", isolation="process")
def note_run_in_process(ctx: JobContext) -> str:
    time.sleep(seconds_of(ctx))
    return f"noted {ctx.log_id}"


@job("die_in_process", isolation="process")
def die_in_process(ctx: JobContext) -> str:
    seconds_of(ctx)
    os.kill(os.getpid(), signal.SIGKILL)
    return "not reached"


@job("note_run_again", resumable=True)
async def note_run_again(ctx: JobContext) -> str:
    await asyncio.sleep(seconds_of(ctx))
    return f"noted {ctx.log_id}"


@job("block_main_loop")
async def block_main_loop(ctx: JobContext) -> str:
    time.sleep(seconds_of(ctx))
    return f"noted {ctx.log_id}"


@job("write_lines")
def write_lines(ctx: JobContext) -> str:
    write_note(os.environ[NOTES_VARIABLE], ctx.log_id)
    for number in range(int(ctx.param)):
        ctx.log.bind(number=number).info("line")
    return f"noted {ctx.log_id}"
