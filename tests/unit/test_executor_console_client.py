"""The console as the executor calls it: what counts as accepted, and what does not."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.common.errors import UpstreamError
from app.common.supervision import failure_of
from app.config.xxl_job_config import ExecutorConfiguration
from app.testing.fake_console import FakeConsole, Fault
from app.xxl_job.executor.console_client import ConsoleClient
from support.executor import configuration_of


@pytest.fixture
def console() -> Iterator[FakeConsole]:
    with FakeConsole() as opened:
        yield opened


@pytest.fixture
def configuration(console: FakeConsole) -> ExecutorConfiguration:
    return configuration_of(console)


async def test_registration_names_the_group_the_app_and_the_address(
    console: FakeConsole, configuration: ExecutorConfiguration
) -> None:
    async with ConsoleClient() as client:
        await client.register(configuration, "http://me:1")
        await client.deregister(configuration, "http://me:1")

    expected = {"registryGroup": "EXECUTOR", "registryKey": "test-executor", "registryValue": "http://me:1"}
    assert console.registrations == [expected]
    assert console.removals == [expected]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.REFUSE, "code 500: The access token is wrong."),
        (Fault.HTTP_500, "HTTP 500"),
        (Fault.GARBAGE, "the answer is not that of an XXL-JOB console"),
        (Fault.DROP, "ServerDisconnectedError"),
    ],
)
async def test_anything_but_code_200_is_a_refusal_with_its_reason(
    console: FakeConsole, configuration: ExecutorConfiguration, fault: Fault, reason: str
) -> None:
    console.fault = fault
    async with ConsoleClient() as client:
        with pytest.raises(UpstreamError) as caught:
            await client.register(configuration, "http://me:1")
    assert reason in caught.value.message
    assert configuration.token not in caught.value.message


async def test_the_next_address_is_asked_when_one_refuses(
    console: FakeConsole, configuration: ExecutorConfiguration
) -> None:
    several = replace(configuration, console_urls=("http://127.0.0.1:1/xxl-job-admin", console.url))
    async with ConsoleClient() as client:
        await client.register(several, "http://me:1")
    assert len(console.registrations) == 1


async def test_a_console_that_is_down_is_named(configuration: ExecutorConfiguration) -> None:
    down = replace(configuration, console_urls=("http://127.0.0.1:1/xxl-job-admin",))
    async with ConsoleClient() as client:
        with pytest.raises(UpstreamError, match=r"http://127\.0\.0\.1:1/xxl-job-admin: Client"):
            await client.register(down, "http://me:1")


async def test_proxy_variables_are_ignored(
    console: FakeConsole, configuration: ExecutorConfiguration, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with ConsoleClient() as client:
        await client.register(configuration, "http://me:1")
    assert len(console.registrations) == 1


async def test_an_answer_that_comes_in_pieces_is_read_whole(configuration: ExecutorConfiguration) -> None:
    over = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\n{"code":200,')
        await asyncio.sleep(0.02)  # so that the pieces don't travel as one
        writer.write(b'"data":null}')
        writer.close()
        await writer.wait_closed()
        over.set()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server, ConsoleClient() as client:
        port = server.sockets[0].getsockname()[1]
        work = client.register(replace(configuration, console_urls=(f"http://127.0.0.1:{port}/x",)), "http://me:1")
        assert await failure_of(work) is None
        await over.wait()
