"""The executor's port: bound first of all, so that it names this instance; served when everything stands."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Final

from aiohttp import web

from app.config.xxl_job_config import ExecutorConfiguration
from app.xxl_job.executor.arrival import ArrivalClock
from app.xxl_job.executor.connections import Connection, Connections

BACKLOG: Final = 4096
GOODBYE_SECONDS: Final = 1.0
"""How long answers under way may take when the executor leaves."""


class Port:
    """Belongs to the control loop."""

    def __init__(self) -> None:
        self.number = 0
        self.clock = ArrivalClock(time.monotonic)
        self.connections = Connections(self.clock)
        self._server: asyncio.Server | None = None
        self._build_connection: Callable[[], Connection] | None = None

    async def bind(self, stack: AsyncExitStack, configuration: ExecutorConfiguration) -> None:
        """Takes the port; who connects is refused until `serve`. Raises OSError for one that is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            self._connect, configuration.host, configuration.port, backlog=BACKLOG, start_serving=False
        )
        stack.callback(self._server.close)
        self.number = self._server.sockets[0].getsockname()[1]

    async def serve(self, stack: AsyncExitStack, app: web.Application) -> None:
        """Answers with `app` until the stack unwinds."""
        runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=GOODBYE_SECONDS)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        loop, server = asyncio.get_running_loop(), runner.server
        if server is None or self._server is None:
            raise RuntimeError("the port is served after it was bound")
        self._build_connection = lambda: Connection(server, self.connections, loop)
        stack.callback(self._server.close)
        await self._server.start_serving()

    def sweep(self) -> None:
        """Closes connections whose request takes too long to arrive."""
        self.connections.sweep(time.monotonic())

    def _connect(self) -> Connection:
        if self._build_connection is None:
            raise RuntimeError("nobody listens yet")
        return self._build_connection()
