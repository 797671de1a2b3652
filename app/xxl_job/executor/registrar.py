"""Keeps the executor registered: at once, every 10 s, and anew when url, token, name or address change."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from app.common.errors import StartupError, UpstreamError
from app.common.logger import log
from app.config.xxl_job_config import ExecutorConfiguration
from app.xxl_job.executor.backoff import Backoff
from app.xxl_job.executor.console_client import ConsoleClient

INTERVAL_SECONDS: Final = 10.0
"""As stock pyxxl does; Java takes 30 s. A console that restarted knows its executors again within this time."""
LOOK_SECONDS: Final = 0.5
FAREWELL_SECONDS: Final = 3.0

Resolve = Callable[[ExecutorConfiguration], Awaitable[str]]


@dataclass(frozen=True)
class Registration:
    """What was registered where."""

    configuration: ExecutorConfiguration
    address: str

    @property
    def place(self) -> tuple[object, ...]:
        return self.configuration.console_urls, self.configuration.app_name, self.address


class Registrar:
    """Belongs to the control loop."""

    def __init__(
        self,
        client: ConsoleClient,
        current: Callable[[], ExecutorConfiguration],
        resolve: Resolve,
        *,
        interval_seconds: float = INTERVAL_SECONDS,
        look_seconds: float = LOOK_SECONDS,
        backoff: Backoff | None = None,
    ) -> None:
        self._client = client
        self._current = current
        self._resolve = resolve
        self._interval = interval_seconds
        self._look_seconds = look_seconds
        self._backoff = backoff or Backoff()
        self._registered: Registration | None = None
        self._failing = False

    async def run(self) -> None:
        """Registers until cancelled; no failure ends it."""
        while True:
            configuration = self._current()
            delay = self._interval if await self._register(configuration) else self._backoff.next()
            await self._wait(delay, configuration)

    async def deregister(self) -> None:
        """Says goodbye where the executor is registered; gives up after a few seconds."""
        registered, self._registered = self._registered, None
        if registered is not None:
            await self._farewell(registered)

    async def _register(self, configuration: ExecutorConfiguration) -> bool:
        """Registers, then says goodbye where the executor was registered before, if that was elsewhere."""
        former = self._registered
        try:
            wanted = Registration(configuration, await self._find_address(configuration))
            await self._client.register(configuration, wanted.address)
        except (UpstreamError, StartupError) as error:
            if not self._failing:
                log.bind(console=configuration.console_urls, reason=error.message).warning("executor not registered")
            self._failing = True
            if former is not None and former.configuration.console_urls != configuration.console_urls:
                await self.deregister()
            return False
        if former is None or self._failing or former.place != wanted.place:
            log.bind(console=configuration.console_urls, address=wanted.address).info("executor registered")
        self._registered, self._failing = wanted, False
        self._backoff.reset()
        if former is not None and former.place != wanted.place:
            await self._farewell(former)
        return True

    async def _find_address(self, configuration: ExecutorConfiguration) -> str:
        """While the settings fit no address, the console keeps the one it knows."""
        try:
            return await self._resolve(configuration)
        except StartupError as error:
            if self._registered is None:
                raise
            log.bind(reason=error.message).warning("advertised address refused, the former one stays")
            return self._registered.address

    async def _farewell(self, registration: Registration) -> None:
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                await self._client.deregister(registration.configuration, registration.address)
        except (UpstreamError, TimeoutError) as error:
            log.bind(reason=str(error)).warning("executor not deregistered, the console forgets it by itself")

    async def _wait(self, seconds: float, configuration: ExecutorConfiguration) -> None:
        """Sleeps, looking out for other settings."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while (left := end - loop.time()) > 0:
            await asyncio.sleep(min(self._look_seconds, left))
            if _identity(self._current()) != _identity(configuration):
                return


def _identity(configuration: ExecutorConfiguration) -> tuple[object, ...]:
    return (
        configuration.console_urls,
        configuration.token,
        configuration.app_name,
        configuration.advertise,
    )
