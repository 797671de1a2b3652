"""Jobs that the acceptance tests trigger: a task package as a fork would have its own."""

import asyncio
import time

from sqlalchemy import text

from app.config.live import settings
from app.jobs import JobContext, job


@job("tell_setting")
async def tell_setting(ctx: JobContext) -> str:
    return f"success: shop.limit is {settings().get('shop.limit')}"


@job("sleep_job")
async def sleep_job(ctx: JobContext) -> str:
    seconds = float(ctx.param or "1")
    ctx.log.bind(seconds=seconds).info("sleeping")
    await asyncio.sleep(seconds)
    ctx.log.info("slept")
    return "success: slept"


@job("failing_job")
async def failing_job(ctx: JobContext) -> None:
    ctx.log.warning("about to fail")
    raise RuntimeError("this job always fails")


@job("read_database")
async def read_database(ctx: JobContext) -> str:
    async with ctx.runtime.db.transaction() as session:
        return f"success: read {(await session.execute(text('SELECT 1'))).scalar_one()}"


@job("block_loop")
async def block_loop(ctx: JobContext) -> str:
    ctx.log.info("blocking")
    time.sleep(float(ctx.param))
    return "success: blocked"
