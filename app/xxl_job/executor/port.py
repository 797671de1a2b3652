"""The executor's port: bound first of all, so that it names this instance; served when everything stands."""

import asyncio
import time
from contextlib import AsyncExitStack
from typing import Final

from app.config.xxl_job_config import ExecutorConfiguration
from app.xxl_job.executor.arrival import ArrivalClock
from app.xxl_job.executor.connections import Connections
from app.xxl_job.executor.http_protocol import HttpConnection, Site

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
        self._site: Site | None = None

    async def bind(self, stack: AsyncExitStack, configuration: ExecutorConfiguration) -> None:
        """Takes the port; who connects is refused until `serve`. Raises OSError for one that is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            self._connect, configuration.host, configuration.port, backlog=BACKLOG, start_serving=False
        )
        stack.callback(self._server.close)
        self.number = self._server.sockets[0].getsockname()[1]

    async def serve(self, stack: AsyncExitStack, site: Site) -> None:
        """Answers with `site` until the stack unwinds."""
        if self._server is None:
            raise RuntimeError("the port is served after it was bound")
        self._site = site
        stack.push_async_callback(self.connections.close, GOODBYE_SECONDS)
        stack.callback(self._server.close)
        await self._server.start_serving()

    def sweep(self) -> None:
        """Closes connections whose caller takes too long."""
        self.connections.sweep()

    def _connect(self) -> HttpConnection:
        if self._site is None:
            raise RuntimeError("nobody listens yet")
        return HttpConnection(self._site, self.connections)
