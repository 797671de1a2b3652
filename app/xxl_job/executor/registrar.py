"""Keeps the executor registered: at once, every 10 s, and anew when url, token, name or address change."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from app.common.errors import AppError, StartupError
from app.common.logger import log
from app.common.supervision import failure_of
from app.config.xxl_job_config import ExecutorConfiguration
from app.xxl_job.executor.backoff import Backoff
from app.xxl_job.executor.console_client import ConsoleClient

INTERVAL_SECONDS: Final = 10.0
"""As stock pyxxl does; Java takes 30 s. A console that restarted knows its executors again within this time."""
LOOK_SECONDS: Final = 0.5
FAREWELL_SECONDS: Final = 3.0

Resolve = Callable[[ExecutorConfiguration], Awaitable[str]]
OnRegistered = Callable[[bool], None]


def _nobody_asks(_anew: bool) -> None:
    return


@dataclass(frozen=True)
class Registration:
    """What was registered where."""

    configuration: ExecutorConfiguration
    address: str

    @property
    def place(self) -> tuple[object, ...]:
        return self.configuration.console_urls, self.configuration.app_name, self.address

    @property
    def greeting(self) -> tuple[object, ...]:
        return *self.place, self.configuration.token


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
        on_registered: OnRegistered = _nobody_asks,
    ) -> None:
        """`on_registered` is called for every success, with whether it came after a failure or with other settings."""
        self._on_registered = on_registered
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
            registered = await self._while_in_force(configuration, self._register(configuration))
            await self._wait(self._interval if registered else self._backoff.next(), configuration)

    async def deregister(self) -> None:
        """Says goodbye where the executor is registered; gives up after a few seconds."""
        registered, self._registered = self._registered, None
        if registered is not None:
            await self._farewell(registered)

    async def _while_in_force(self, configuration: ExecutorConfiguration, work: Coroutine[Any, Any, bool]) -> bool:
        """Gives up an attempt that still waits for an answer when other settings have come."""
        attempt = asyncio.create_task(work)
        try:
            while not attempt.done() and self._is_in_force(configuration):
                await asyncio.wait({attempt}, timeout=self._look_seconds)
            return attempt.done() and attempt.result()
        finally:
            attempt.cancel()
            await asyncio.wait({attempt})

    def _is_in_force(self, configuration: ExecutorConfiguration) -> bool:
        return _identity(self._current()) == _identity(configuration)

    async def _register(self, configuration: ExecutorConfiguration) -> bool:
        """Registers, then says goodbye where the executor was registered before, if that was elsewhere."""
        former = self._registered
        error = await failure_of(self._say_hello(configuration))
        if error is not None:
            if not self._failing:
                log.bind(console=configuration.console_urls, reason=_reason(error)).warning("executor not registered")
            self._failing = True
            if former is not None and former.configuration.console_urls != configuration.console_urls:
                await self.deregister()
            return False
        self._backoff.reset()
        self._greeted(former)
        if former is not None and former.place != self._place:
            await self._farewell(former)
        return True

    async def _say_hello(self, configuration: ExecutorConfiguration) -> None:
        wanted = Registration(configuration, await self._find_address(configuration))
        # before the answer: a goodbye meanwhile is meant for this console, which may have heard the hello
        former, self._registered = self._registered, wanted
        error = await failure_of(self._client.register(configuration, wanted.address))
        if error is not None:
            self._registered = former if self._registered is wanted else None
            raise error

    def _greeted(self, former: Registration | None) -> None:
        now, was_failing = self._registered, self._failing
        self._failing = False
        if now is None:
            return
        anew = former is None or was_failing or former.greeting != now.greeting
        if anew:
            log.bind(console=now.configuration.console_urls, address=now.address).info("executor registered")
        self._on_registered(anew)

    @property
    def _place(self) -> tuple[object, ...] | None:
        return None if self._registered is None else self._registered.place

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
        if error := await failure_of(self._say_goodbye(registration)):
            log.bind(reason=_reason(error)).warning("executor not deregistered, the console forgets it by itself")

    async def _say_goodbye(self, registration: Registration) -> None:
        async with asyncio.timeout(FAREWELL_SECONDS):  # `wait_for` can swallow a cancellation before 3.12
            await self._client.deregister(registration.configuration, registration.address)

    async def _wait(self, seconds: float, configuration: ExecutorConfiguration) -> None:
        """Sleeps, looking out for other settings."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while (left := end - loop.time()) > 0:
            if not self._is_in_force(configuration):
                return
            await asyncio.sleep(min(self._look_seconds, left))


def _identity(configuration: ExecutorConfiguration) -> tuple[object, ...]:
    return (
        configuration.console_urls,
        configuration.token,
        configuration.app_name,
        configuration.advertise,
    )


def _reason(error: Exception) -> str:
    return error.message if isinstance(error, AppError) else f"{type(error).__name__}: {error}"
