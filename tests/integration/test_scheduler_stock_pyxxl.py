"""The embedded console is honest enough for a stock pyxxl executor: it registers, runs, is read, killed, and leaves."""

import asyncio
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import uvicorn

from servers.ports import HOST
from servers.process import run_as
from support.scheduler import build_app, open_test_runtime

STOCK_EXECUTOR = Path(__file__).parent.parent / "support" / "stock_executor.py"
SETTINGS = "server: {ops_token: t0p}\nxxl-job: {app_name: stock-pyxxl, access_token: s3same}\n"
API = "/api/v1/scheduler"

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def eventually(ask: Callable[[], Awaitable[Any]], seconds: float = 15) -> Any:
    """The first truthy answer; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := await ask()):
        assert time.monotonic() < deadline, "not seen in time"
        await asyncio.sleep(0.05)
    return found


class ConsoleUser:
    """What a person does at the console, over HTTP."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def executors(self) -> list[str]:
        return [one["address"] for one in await self._get("/executors")]

    async def trigger(self, name: str, **order: Any) -> dict[str, Any]:
        return await self._post(f"/jobs/{name}/trigger", order)

    async def broadcast(self, name: str) -> list[dict[str, Any]]:
        runs: list[dict[str, Any]] = await self._post(f"/jobs/{name}/broadcast", {})
        return runs

    async def kill(self, run: dict[str, Any]) -> dict[str, Any]:
        return await self._post(f"/runs/{run['log_id']}/kill", {})

    async def finished(self, run: dict[str, Any]) -> dict[str, Any]:
        """The run, once it has an outcome."""

        async def ask() -> dict[str, Any] | None:
            found = await self._get(f"/runs/{run['log_id']}")
            return found if found["handle_code"] else None

        return await eventually(ask)

    async def log(self, run: dict[str, Any]) -> str:
        """Everything the run logs, read page by page as it grows, until it is over."""
        text, line = "", 1

        async def turn() -> bool:
            nonlocal text, line
            page = await self._get(f"/runs/{run['log_id']}/log?from_line={line}")
            text, line = text + page["content"], page["to_line"] + 1
            return bool(page["is_end"])

        await eventually(turn)
        return text

    async def _get(self, path: str) -> Any:
        return (await self._http.get(API + path)).raise_for_status().json()

    async def _post(self, path: str, body: dict[str, Any]) -> Any:
        return (await self._http.post(API + path, json=body)).raise_for_status().json()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def console_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The console served by uvicorn on a free port."""
    with socket.create_server((HOST, 0)) as listening:
        async with open_test_runtime(tmp_path_factory.mktemp("data"), SETTINGS) as runtime:
            server = uvicorn.Server(uvicorn.Config(build_app(runtime), log_config=None))
            serving = asyncio.ensure_future(server.serve(sockets=[listening]))
            yield f"http://{HOST}:{listening.getsockname()[1]}"
            server.should_exit = True
            await serving


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def user(console_url: str) -> AsyncIterator[ConsoleUser]:
    headers = {"Authorization": "Bearer t0p"}
    async with httpx.AsyncClient(base_url=console_url, headers=headers, trust_env=False) as http:
        yield ConsoleUser(http)


@pytest.fixture(scope="module")
def start_executor(
    console_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[int], subprocess.Popen[bytes]]]:
    """Starts a stock executor on a port; every one is gone afterwards."""
    started: list[subprocess.Popen[bytes]] = []

    def start(port: int) -> subprocess.Popen[bytes]:
        home = tmp_path_factory.mktemp("stock")
        command = [*run_as(""), sys.executable, str(STOCK_EXECUTOR), console_url, str(port), "s3same"]
        with (home / "output").open("wb") as output:
            started.append(subprocess.Popen(command, cwd=home, stdout=output, stderr=subprocess.STDOUT))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def executor(
    user: ConsoleUser, start_executor: Callable[[int], subprocess.Popen[bytes]], unused_tcp_port_factory: Any
) -> str:
    """The address of a stock executor that has registered."""
    port = unused_tcp_port_factory()
    start_executor(port)
    address = f"http://{HOST}:{port}"

    async def registered() -> bool:
        return address in await user.executors()

    await eventually(registered, 30)
    return address


async def test_a_stock_executor_registers_runs_and_calls_back(user: ConsoleUser, executor: str) -> None:
    run = await user.trigger("echo", param="2026 年")
    assert (run["address"], run["trigger_code"], run["trigger_message"]) == (executor, 200, "Running")
    finished = await user.finished(run)
    assert (finished["state"], finished["handle_message"]) == ("success", "echo 2026 年")
    assert "param 2026 年, shard 0 of 1" in await user.log(run)


async def test_the_log_of_a_running_job_is_read_whole_and_once(user: ConsoleUser, executor: str) -> None:
    run = await user.trigger("count")
    lines = re.findall(r" - line (\d+)$", await user.log(run), re.MULTILINE)
    assert [int(number) for number in lines] == list(range(1, 31))


async def test_a_failing_job_is_a_failed_run_with_its_reason(user: ConsoleUser, executor: str) -> None:
    run = await user.finished(await user.trigger("fail"))
    assert (run["state"], run["handle_code"], run["handle_message"]) == ("failed", 500, "boom")


async def test_a_run_that_takes_too_long_fails(user: ConsoleUser, executor: str) -> None:
    run = await user.finished(await user.trigger("sleep", param="60", timeout_seconds=1))
    assert (run["state"], run["handle_message"]) == ("failed", "TimeoutError")


async def test_a_handler_that_the_executor_lacks_is_a_failed_trigger(user: ConsoleUser, executor: str) -> None:
    run = await user.trigger("nobody_knows")
    assert (run["state"], run["trigger_message"]) == ("failed", "handler nobody_knows not found.")
    assert await user.log(run) == ""


async def test_a_broadcast_reaches_the_executor_as_its_only_shard(user: ConsoleUser, executor: str) -> None:
    (run,) = await user.broadcast("echo")
    assert "shard 0 of 1" in await user.log(run)


async def test_a_killed_run_is_over_here_and_there(user: ConsoleUser, executor: str) -> None:
    run = await user.trigger("sleep", param="60")
    killed = await user.kill(run)
    assert (killed["state"], killed["handle_message"]) == ("failed", "Manual operation, kill job:")
    following = await user.finished(await user.trigger("sleep", param="0"))
    assert following["handle_message"] == "slept"
    assert await user.finished(run) == killed


async def test_an_executor_that_is_stopped_leaves(
    user: ConsoleUser,
    executor: str,
    start_executor: Callable[[int], subprocess.Popen[bytes]],
    unused_tcp_port_factory: Any,
) -> None:
    process = start_executor(unused_tcp_port_factory())

    async def is_there() -> bool:
        return len(await user.executors()) == 2

    async def has_left() -> bool:
        return await user.executors() == [executor]

    await eventually(is_there, 30)
    process.send_signal(signal.SIGTERM)
    await eventually(has_left)
