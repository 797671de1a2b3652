"""A stock pyxxl module works as it is: its JobHandler is adopted, and `g` is what it was."""

import asyncio
import logging
import types
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyxxl import JobHandler
from pyxxl.ctx import g

from app.common.logger import LogOptions, configure_logging
from app.jobs.registry import JobRegistry, build_definition
from app.testing.fake_console import FakeConsole
from app.xxl_job.executor.http_message import Request
from app.xxl_job.executor.pyxxl_base import ExecutorRunner, adopt_handlers, plain_functions_welcome
from support.configurations import configuration_of
from support.executor import open_executor, until


class StubSite:
    """Knows nothing."""

    def refuse(self, request: Request) -> None: ...

    def answer(self, request: Request) -> None: ...


@pytest.fixture
def configured_log(tmp_path: Path) -> Iterator[None]:
    """Stdlib logging reaches loguru, as in a process."""
    handle = configure_logging(LogOptions("executor-test-0", tmp_path / "log", "test", "tenon", console=False))
    yield
    handle.close()


def stock_module() -> types.ModuleType:
    module, handlers = types.ModuleType("stock"), JobHandler()

    @handlers.register(name="pyxxl_async")
    async def tell() -> str:
        g.logger.info("param is %s", g.xxl_run_data.executorParams)
        return f"{g.xxl_run_data.jobId} {g.xxl_run_data.broadcastIndex} {g.xxl_run_data.glueType}"

    with plain_functions_welcome():

        @handlers.register(name="pyxxl_plain")
        def wait() -> str:
            g.logger.warning("waiting")
            g.cancel_event.wait(20)
            return "stopped"

    module.xxl_handlers = handlers  # type: ignore[attr-defined]
    return module


@pytest.fixture
def adopted() -> JobRegistry:
    registry = JobRegistry()
    adopt_handlers(stock_module(), registry)
    return registry


@pytest.mark.usefixtures("configured_log")
async def test_a_stock_async_handler_reads_its_run_and_logs_to_it(tmp_path: Path, adopted: JobRegistry) -> None:
    async with open_executor(tmp_path, adopted) as desk:
        log_id = await desk.run("pyxxl_async", executorParams="seven", broadcastIndex=1, broadcastTotal=3)
        callback = await desk.callback_of(log_id)
        page = await desk.log_page(log_id)

    assert (callback["handleCode"], callback["handleMsg"]) == (200, "4 1 BEAN")
    [line] = [line for line in page["logContent"].splitlines() if "param is seven" in line]
    assert f"[xxl-test-executor-{log_id}]" in line


@pytest.mark.usefixtures("configured_log")
async def test_a_stock_plain_handler_is_told_of_its_kill(tmp_path: Path, adopted: JobRegistry) -> None:
    async with open_executor(tmp_path, adopted) as desk:
        log_id = await desk.run("pyxxl_plain")
        await until(lambda: "waiting" in "".join(path.read_text() for path in tmp_path.glob("xxl_log/*/*.log")))
        await desk.post("/kill", {"jobId": 4})
        await desk.callback_of(log_id)
        async with asyncio.timeout(5):
            while (await desk.post("/idleBeat", {"jobId": 4}))["code"] != 200:
                await asyncio.sleep(0.01)


async def test_g_is_gone_after_the_run(tmp_path: Path) -> None:
    async def look() -> int:
        return g.xxl_run_data.logId

    registry = JobRegistry()
    registry.add(build_definition("look", look))
    async with open_executor(tmp_path, registry) as desk:
        log_id = await desk.run("look")
        assert (await desk.callback_of(log_id))["handleMsg"] == str(log_id)
        assert g.try_get_run_data() is None


async def test_no_logger_is_left_for_each_run(tmp_path: Path, adopted: JobRegistry) -> None:
    async with open_executor(tmp_path, adopted) as desk:
        await desk.outcome_of("pyxxl_async")
        before = len(logging.root.manager.loggerDict)
        for _ in range(5):
            await desk.outcome_of("pyxxl_async")
        assert len(logging.root.manager.loggerDict) == before


def test_plain_functions_are_welcome_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert stock_module().__name__ == "stock"


def test_the_runner_neither_logs_the_token_nor_obeys_foreign_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ACCESS_TOKEN", "stolen")
    monkeypatch.setenv("executor_app_name", "stolen")
    caplog.set_level(logging.DEBUG)
    configuration = configuration_of(FakeConsole(token="s3cret-token"), app_name="mine")
    site = StubSite()
    runner = ExecutorRunner(configuration, lambda: site)

    assert (runner.config.access_token, runner.config.executor_app_name) == ("s3cret-token", "mine")
    assert runner.create_server_app() is site
    assert "s3cret-token" not in caplog.text
    assert list(tmp_path.iterdir()) == []
