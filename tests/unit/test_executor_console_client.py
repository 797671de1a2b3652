"""The console as the executor calls it: what counts as accepted, and what does not."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.common.errors import UpstreamError
from app.common.supervision import failure_of
from app.config.xxl_job_config import ExecutorConfiguration
from app.testing.fake_console import FakeConsole, Fault
from app.xxl_job.executor.callback import Callback
from app.xxl_job.executor.console_client import ConsoleClient
from support.configurations import configuration_of

DONE = Callback("run-1", 1, 1_795_359_934_946, 200, "done")


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
        (Fault.REDIRECT, "HTTP 302"),
        (Fault.SLOW, "no answer in time"),
        (Fault.HANG, "no answer in time"),
    ],
)
async def test_anything_but_code_200_is_a_refusal_with_its_reason(
    console: FakeConsole, configuration: ExecutorConfiguration, fault: Fault, reason: str
) -> None:
    console.fault = fault
    async with ConsoleClient(timeout_seconds=0.2) as client:
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


@pytest.mark.parametrize("url", ["http://no-such-host.invalid/x", "http://[::1", "http://127.0.0.1:1/\ud800"])
async def test_an_address_that_leads_nowhere_is_a_reason_and_no_crash(
    configuration: ExecutorConfiguration, url: str
) -> None:
    nowhere = replace(configuration, console_urls=(url,))
    async with ConsoleClient(timeout_seconds=5) as client:
        with pytest.raises(UpstreamError):
            await client.register(nowhere, "http://me:1")


async def test_a_dead_first_address_costs_its_timeout_once(
    console: FakeConsole, configuration: ExecutorConfiguration
) -> None:
    with FakeConsole() as dead:
        dead.fault = Fault.HANG
        several = replace(configuration, console_urls=(dead.url, console.url))
        async with ConsoleClient(timeout_seconds=0.3) as client:
            await client.register(several, "http://me:1")
            async with asyncio.timeout(0.25):
                await client.callback(several, [DONE])
    assert console.callbacks


async def test_the_first_address_is_asked_again_when_the_other_has_died(
    console: FakeConsole, configuration: ExecutorConfiguration
) -> None:
    with FakeConsole() as other:
        several = replace(configuration, console_urls=(console.url, other.url))
        async with ConsoleClient() as client:
            console.fault = Fault.HTTP_500
            await client.callback(several, [DONE])
            console.fault, other.fault = None, Fault.HTTP_500
            await client.callback(several, [DONE])
    assert (len(other.callbacks), len(console.callbacks)) == (1, 1)


async def test_a_console_below_no_path_is_reached(configuration: ExecutorConfiguration) -> None:
    with FakeConsole(path="") as bare:
        async with ConsoleClient() as client:
            await client.register(replace(configuration, console_urls=(bare.url,)), "http://me:1")
    assert len(bare.registrations) == 1


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
