"""What a console speaks is found out by asking, and again when it has changed."""

from collections.abc import AsyncIterator, Iterator

import pytest

from app.common.errors import UpstreamError
from app.config.xxl_job_config import ExecutorConfiguration
from app.testing.fake_console import ConsoleDialect, FakeConsole, Fault
from app.xxl_job.executor.callback import Callback
from app.xxl_job.executor.console_client import ConsoleClient
from support.configurations import configuration_of

DONE = Callback("run-1", 1, 1_795_359_934_946, 200, "done")
OLD = [ConsoleDialect.V2_2, ConsoleDialect.V2_3, ConsoleDialect.V3_3]


@pytest.fixture
def console() -> Iterator[FakeConsole]:
    with FakeConsole() as opened:
        yield opened


@pytest.fixture
async def client() -> AsyncIterator[ConsoleClient]:
    async with ConsoleClient(timeout_seconds=5) as opened:
        yield opened


@pytest.fixture
def configuration(console: FakeConsole) -> ExecutorConfiguration:
    return configuration_of(console)


@pytest.mark.parametrize("dialect", list(ConsoleDialect))
async def test_every_console_is_registered_with_told_and_left(
    console: FakeConsole, client: ConsoleClient, configuration: ExecutorConfiguration, dialect: ConsoleDialect
) -> None:
    console.dialect = dialect
    await client.register(configuration, "http://me:1")
    await client.callback(configuration, [DONE])
    await client.deregister(configuration, "http://me:1")

    assert (len(console.registrations), len(console.removals)) == (1, 1)
    assert console.outcome_of(1) == (200, "done")


async def test_a_console_is_asked_for_its_dialect_once(
    console: FakeConsole, client: ConsoleClient, configuration: ExecutorConfiguration
) -> None:
    console.dialect = ConsoleDialect.V3_5
    for _ in range(3):
        await client.register(configuration, "http://me:1")
    await client.callback(configuration, [DONE])
    assert [name for name, _ in console.requests] == ["registry"] * 4 + ["callback"]


@pytest.mark.parametrize("dialect", list(ConsoleDialect))
async def test_after_a_restart_the_first_callback_finds_the_dialect(
    console: FakeConsole, client: ConsoleClient, configuration: ExecutorConfiguration, dialect: ConsoleDialect
) -> None:
    console.dialect = dialect
    await client.callback(configuration, [DONE])
    assert console.outcome_of(1) == (200, "done")


@pytest.mark.parametrize("before", OLD)
async def test_an_upgrade_is_noticed_by_a_callback(
    console: FakeConsole, client: ConsoleClient, configuration: ExecutorConfiguration, before: ConsoleDialect
) -> None:
    console.dialect = before
    await client.register(configuration, "http://me:1")
    console.dialect = ConsoleDialect.V3_5
    await client.callback(configuration, [DONE])
    assert "logDateTime" in console.callbacks[0]


async def test_an_upgrade_is_noticed_by_the_next_registration(
    console: FakeConsole, client: ConsoleClient, configuration: ExecutorConfiguration
) -> None:
    await client.register(configuration, "http://me:1")
    console.dialect = ConsoleDialect.V3_5
    await client.register(configuration, "http://me:1")
    assert len(console.registrations) == 2


@pytest.mark.parametrize("after", OLD)
async def test_a_console_that_went_back_to_an_older_version_is_told_in_its_words(
    console: FakeConsole, client: ConsoleClient, configuration: ExecutorConfiguration, after: ConsoleDialect
) -> None:
    console.dialect = ConsoleDialect.V3_5
    await client.register(configuration, "http://me:1")
    console.dialect = after
    await client.callback(configuration, [DONE])
    assert console.outcome_of(1) == (200, "done")
    await client.callback(configuration, [DONE])
    assert len(console.requests) == 5


async def test_a_console_that_was_away_is_asked_anew(
    console: FakeConsole, client: ConsoleClient, configuration: ExecutorConfiguration
) -> None:
    console.dialect = ConsoleDialect.V3_5
    await client.register(configuration, "http://me:1")
    console.stop()
    with pytest.raises(UpstreamError):
        await client.register(configuration, "http://me:1")
    console.dialect = ConsoleDialect.V3_3
    console.start()
    await client.register(configuration, "http://me:1")
    assert "XXL-JOB-APPNAME" not in console.headers[-1]


async def test_a_refusal_of_a_3_5_console_keeps_its_reason(
    console: FakeConsole, client: ConsoleClient, configuration: ExecutorConfiguration
) -> None:
    console.dialect = ConsoleDialect.V3_5
    console.poison = {1}
    for _ in range(2):
        with pytest.raises(UpstreamError, match="openapi invoke error"):
            await client.callback(configuration, [DONE])


@pytest.mark.parametrize("dialect", list(ConsoleDialect))
async def test_a_wrong_token_is_said_so_in_every_dialect(
    console: FakeConsole, client: ConsoleClient, configuration: ExecutorConfiguration, dialect: ConsoleDialect
) -> None:
    console.dialect = dialect
    console.token = "rotated"
    with pytest.raises(UpstreamError, match=r"token is wrong|accessToken or appname invalid"):
        await client.register(configuration, "http://me:1")
    console.token = configuration.token
    await client.register(configuration, "http://me:1")


async def test_a_3_5_console_that_does_not_know_the_app_refuses_it(
    console: FakeConsole, client: ConsoleClient, configuration: ExecutorConfiguration
) -> None:
    console.dialect = ConsoleDialect.V3_5
    console.app_name = "another"
    with pytest.raises(UpstreamError, match="appname invalid"):
        await client.register(configuration, "http://me:1")


async def test_each_of_several_addresses_is_spoken_to_in_its_own_dialect(
    console: FakeConsole, client: ConsoleClient, configuration: ExecutorConfiguration
) -> None:
    with FakeConsole(dialect="3.5") as newer:
        both = configuration_of(console, console_urls=(console.url, newer.url))
        await client.callback(both, [DONE])
        console.fault = Fault.HTTP_500
        await client.callback(both, [DONE])
        console.fault, newer.fault = None, Fault.HTTP_500
        await client.callback(both, [DONE])
    assert (len(console.callbacks), len(newer.callbacks)) == (2, 1)
