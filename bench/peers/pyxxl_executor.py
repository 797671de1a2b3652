"""A stock pyxxl executor, as its documentation shows it: `python -m bench.peers.pyxxl_executor CONSOLE_URL PORT TOKEN`.

Its log files go below the working directory.
"""

import sys

from pyxxl import ExecutorConfig, JobHandler, PyxxlRunner
from pyxxl.ctx import g

from bench.text import line_of

APP_NAME = "pyxxl-executor"

handlers = JobHandler()


@handlers.register(name="noop")
async def noop() -> None:
    """Nothing but the executor's own work."""


@handlers.register(name="write_lines")
async def write_lines() -> None:
    """As many lines as the parameter says."""
    for number in range(1, int(g.xxl_run_data.executorParams or 0) + 1):
        g.logger.info(line_of(number))


if __name__ == "__main__":
    console_url, port, token = sys.argv[1:]
    config = ExecutorConfig(
        xxl_admin_baseurl=f"{console_url}/api/",
        executor_app_name=APP_NAME,
        access_token=token,
        executor_listen_host="127.0.0.1",
        executor_listen_port=int(port),
        dotenv_try=False,
    )
    PyxxlRunner(config, handler=handlers).run_executor()
