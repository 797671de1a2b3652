"""A stock pyxxl executor, as its documentation shows it: `python stock_executor.py CONSOLE_URL PORT TOKEN`."""

import asyncio
import sys

from pyxxl import ExecutorConfig, JobHandler, PyxxlRunner
from pyxxl.ctx import g

APP_NAME = "stock-pyxxl"

handlers = JobHandler()


@handlers.register(name="echo")
async def echo() -> str:
    data = g.xxl_run_data
    g.logger.info("param %s, shard %s of %s", data.executorParams, data.broadcastIndex, data.broadcastTotal)
    return f"echo {data.executorParams}"


@handlers.register(name="count")
async def count() -> None:
    for number in range(1, 31):
        g.logger.info("line %s", number)
        await asyncio.sleep(0.02)


@handlers.register(name="fail")
async def fail() -> None:
    raise ValueError("boom")


@handlers.register(name="sleep")
async def sleep() -> str:
    g.logger.info("falling asleep")
    await asyncio.sleep(float(g.xxl_run_data.executorParams or 0))
    return "slept"


if __name__ == "__main__":
    console_url, port, token = sys.argv[1:]
    config = ExecutorConfig(
        xxl_admin_baseurl=f"{console_url}/xxl-job-admin/api/",
        executor_app_name=APP_NAME,
        access_token=token,
        executor_listen_host="127.0.0.1",
        executor_listen_port=int(port),
        dotenv_try=False,
    )
    PyxxlRunner(config, handler=handlers).run_executor()
