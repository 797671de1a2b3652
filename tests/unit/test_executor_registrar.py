"""Registration: repeated, patient, and moved with the settings."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from app.common.errors import StartupError
from app.config.settings import XxlJobSettings
from app.config.xxl_job_config import ExecutorConfiguration
from app.testing.fake_console import FakeConsole, Fault
from app.xxl_job.executor.backoff import Backoff
from app.xxl_job.executor.console_client import ConsoleClient
from app.xxl_job.executor.registrar import Registrar
from support.configurations import configuration_of, until


@pytest.fixture
def console() -> Iterator[FakeConsole]:
    with FakeConsole() as opened:
        yield opened


class Settings:
    """The configuration in force; the test changes it."""

    def __init__(self, configuration: ExecutorConfiguration) -> None:
        self.now = configuration
        self.address: str | None = "http://me:1"

    def current(self) -> ExecutorConfiguration:
        return self.now

    async def resolve(self, configuration: ExecutorConfiguration) -> str:
        if self.address is None:
            raise StartupError("xxl-job.advertise fits no address")
        return self.address


@asynccontextmanager
async def registering(
    settings: Settings,
    interval_seconds: float = 30,
    on_registered: Callable[[bool], None] = lambda _: None,
    timeout_seconds: float = 10,
) -> AsyncIterator[Registrar]:
    async with ConsoleClient(timeout_seconds) as client:
        registrar = Registrar(
            client,
            settings.current,
            settings.resolve,
            interval_seconds=interval_seconds,
            look_seconds=0.01,
            backoff=Backoff(0.01, 0.02),
            on_registered=on_registered,
        )
        async with asyncio.TaskGroup() as group:
            task = group.create_task(registrar.run())
            yield registrar
            task.cancel()


async def test_it_registers_again_and_again(console: FakeConsole) -> None:
    async with registering(Settings(configuration_of(console)), interval_seconds=0.01):
        await until(lambda: len(console.registrations) >= 3)
    assert console.removals == []


@pytest.mark.parametrize("fault", list(Fault))
async def test_it_goes_on_asking_while_the_console_fails(console: FakeConsole, fault: Fault) -> None:
    console.fault = fault
    async with registering(Settings(configuration_of(console)), timeout_seconds=0.2):
        await until(lambda: console.faults.requests >= 2)
        console.fault = None
        await until(lambda: console.registrations)


async def test_a_renamed_executor_takes_its_old_name_off(console: FakeConsole) -> None:
    settings = Settings(configuration_of(console))
    async with registering(settings):
        await until(lambda: console.registrations)
        settings.now = replace(settings.now, app_name="renamed")
        await until(lambda: console.removals)

    assert [one["registryKey"] for one in console.registrations] == ["test-executor", "renamed"]
    assert [one["registryKey"] for one in console.removals] == ["test-executor"]


async def test_settings_that_do_not_concern_the_console_change_nothing(console: FakeConsole) -> None:
    settings = Settings(configuration_of(console))
    async with registering(settings):
        await until(lambda: console.registrations)
        settings.now = replace(settings.now, limits=XxlJobSettings(drain_seconds=99))
        await asyncio.sleep(0.1)
    assert len(console.registrations) == 1


async def test_the_old_console_is_left_even_if_the_new_one_is_down(console: FakeConsole) -> None:
    settings = Settings(configuration_of(console))
    async with registering(settings):
        await until(lambda: console.registrations)
        settings.now = replace(settings.now, console_urls=("http://127.0.0.1:1/xxl-job-admin",))
        await until(lambda: console.removals)


async def test_an_address_that_cannot_be_found_any_more_leaves_the_former_one_registered(console: FakeConsole) -> None:
    settings = Settings(configuration_of(console))
    async with registering(settings):
        await until(lambda: console.registrations)
        settings.address = None
        settings.now = replace(settings.now, advertise="10.255.0.0/16")
        await until(lambda: len(console.registrations) == 2)

    assert console.registrations[1] == console.registrations[0]
    assert console.removals == []


async def test_goodbye_is_said_once(console: FakeConsole) -> None:
    async with registering(Settings(configuration_of(console))) as registrar:
        await until(lambda: console.registrations)
        await registrar.deregister()
        await registrar.deregister()
    assert len(console.removals) == 1


async def test_goodbye_reaches_a_console_whose_answer_is_still_on_its_way(console: FakeConsole) -> None:
    console.fault = Fault.SLOW
    async with registering(Settings(configuration_of(console))) as registrar:
        await until(lambda: console.registrations)
        async with asyncio.TaskGroup() as group:
            group.create_task(registrar.deregister())
            await until(lambda: console.removals)
            console.fault = None
    assert [one["registryValue"] for one in console.removals] == ["http://me:1"]


@pytest.mark.parametrize("error", [ValueError("odd"), OSError("no such name"), RecursionError(), TimeoutError()])
async def test_no_error_of_any_kind_ends_the_registration(console: FakeConsole, error: Exception) -> None:
    class Odd(Settings):
        calls = 0

        async def resolve(self, configuration: ExecutorConfiguration) -> str:
            self.calls += 1
            if self.calls < 4:
                raise error
            return "http://me:1"

    async with registering(Odd(configuration_of(console))):
        await until(lambda: console.registrations)


async def test_a_console_that_hangs_is_asked_again_after_the_timeout(console: FakeConsole) -> None:
    console.script(Fault.HANG, Fault.HANG)
    async with registering(Settings(configuration_of(console)), timeout_seconds=0.1):
        await until(lambda: console.registrations)


async def test_every_success_is_a_sign_of_life_and_the_first_after_a_failure_a_new_beginning(
    console: FakeConsole,
) -> None:
    signs: list[bool] = []
    settings = Settings(configuration_of(console))
    console.script(None, None, Fault.REFUSE, None, None)
    async with registering(settings, 0.01, signs.append):
        await until(lambda: len(signs) >= 4)
    assert signs[:4] == [True, False, True, False]


@pytest.mark.parametrize("change", [{"token": "rotated"}, {"app_name": "renamed"}])
async def test_other_settings_are_a_new_beginning(console: FakeConsole, change: dict[str, str]) -> None:
    signs: list[bool] = []
    settings = Settings(configuration_of(console))
    async with registering(settings, on_registered=signs.append):
        await until(lambda: signs == [True])
        console.token = change.get("token", console.token)
        settings.now = replace(settings.now, **change)
        await until(lambda: signs == [True, True])


async def test_a_console_that_hangs_does_not_delay_the_move_to_another(console: FakeConsole) -> None:
    settings = Settings(configuration_of(console))
    console.fault = Fault.HANG
    with FakeConsole(console.token) as other:
        async with registering(settings, timeout_seconds=60):
            await until(lambda: console.faults.requests)
            settings.now = replace(settings.now, console_urls=(other.url,))
            await until(lambda: other.registrations, 3)
            console.fault = None


async def test_a_registration_that_is_stopped_while_it_waits_leaves_nothing_behind(console: FakeConsole) -> None:
    console.fault = Fault.HANG
    async with registering(Settings(configuration_of(console))):
        await until(lambda: console.faults.requests)
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
