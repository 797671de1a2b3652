"""An executor in the test's own process: both planes, a fake console, a client that plays the console's other half."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx

from app.alerts.memory import MemoryAlertSender
from app.config.compose import Schema
from app.config.environment import load_environment
from app.config.live import LiveSettings
from app.config.placeholders import PlaceholderSource
from app.config.sources.base import Document, Documents, Trigger
from app.config.sources.memory import MemorySource
from app.jobs.hosting import hosting_runs
from app.jobs.registry import JobRegistry, build_definition
from app.runtime import Runtime
from app.testing.fake_console import FakeConsole
from app.xxl_job.executor.control_plane import ControlPlane
from support.configurations import until
from support.settings import RecordingObserver

TRIGGERED_AT = 1_795_359_934_946
_log_ids = itertools.count(1)


def registry_of(*functions: Callable[..., Any], **definitions: Any) -> JobRegistry:
    """Jobs by their functions' names."""
    registry = JobRegistry()
    for function in functions:
        registry.add(build_definition(function.__name__, function, **definitions))
    return registry


def trigger(handler: str, **fields: Any) -> dict[str, Any]:
    """A /run body as the console sends it; each with a log id of its own."""
    return {
        "jobId": 4,
        "executorHandler": handler,
        "executorParams": "",
        "executorBlockStrategy": "SERIAL_EXECUTION",
        "executorTimeout": 0,
        "logId": next(_log_ids),
        "logDateTime": TRIGGERED_AT,
        "glueType": "BEAN",
        "glueSource": "",
        "glueUpdatetime": 1795359934000,
        "broadcastIndex": 0,
        "broadcastTotal": 1,
        **fields,
    }


@dataclass
class ExecutorDesk:
    """A started executor with all its parts within reach."""

    runtime: Runtime
    plane: ControlPlane
    console: FakeConsole
    http: httpx.AsyncClient
    address: str
    alerts: MemoryAlertSender = field(default_factory=MemoryAlertSender)

    async def post(self, path: str, body: Any = None, *, token: str | None = None) -> dict[str, Any]:
        headers = {"XXL-JOB-ACCESS-TOKEN": self.console.token if token is None else token}
        answer = await self.http.post(path, json=body, headers=headers)
        assert answer.status_code == httpx.codes.OK
        return cast("dict[str, Any]", answer.json())

    async def run(self, handler: str, **fields: Any) -> int:
        """Triggers a run that must be accepted; returns its log id."""
        body = trigger(handler, **fields)
        answer = await self.post("/run", body)
        assert answer == {"code": 200, "msg": None}, answer
        return int(body["logId"])

    async def callback_of(self, log_id: int, seconds: float = 10.0) -> dict[str, Any]:
        return cast("dict[str, Any]", await until(lambda: self.console.callback_of(log_id), seconds))

    async def outcome_of(self, handler: str, **fields: Any) -> tuple[int, str]:
        """Runs to the end; code and message of the callback."""
        callback = await self.callback_of(await self.run(handler, **fields))
        return callback["handleCode"], callback["handleMsg"]

    async def log_page(self, log_id: int, from_line: int = 1) -> dict[str, Any]:
        query = {"logId": log_id, "logDateTim": TRIGGERED_AT, "fromLineNum": from_line}
        answer = await self.post("/log", query)
        assert answer["content"] == answer["data"]
        return cast("dict[str, Any]", answer["data"])

    async def apply(self, text: str) -> None:
        await self.runtime.settings.apply(Documents("memory", (Document("app.yaml", text),)), Trigger.PUSH)


def settings_text(console: FakeConsole, extra: str = "") -> str:
    """The settings of an executor of this console; `extra` are more lines of the xxl-job section."""
    lines = [f"  url: {console.url}", f"  access_token: {console.token}", "  app_name: test-executor"]
    lines += [f"  {line}" for line in extra.splitlines()]
    if "port:" not in extra:
        lines.append("  port: 0")
    return "xxl-job:\n" + "\n".join(lines) + "\n"


@asynccontextmanager
async def open_test_runtime(tmp_path: Path, text: str) -> AsyncIterator[Runtime]:
    """A runtime over a settings text, without resources."""
    paths = {"DATA_DIR": str(tmp_path / "data"), "XXL_LOG_PATH": str(tmp_path / "xxl_log"), "APP_ENV": "test"}
    live = LiveSettings(MemorySource(text), Schema(PlaceholderSource({}, tmp_path, None)), (), RecordingObserver())
    await live.start()
    nothing = cast("Any", None)
    try:
        yield Runtime(load_environment(paths), "executor-test-0", live, nothing, nothing, MemoryAlertSender())
    finally:
        await live.close()


@asynccontextmanager
async def open_executor(
    tmp_path: Path,
    registry: JobRegistry,
    *,
    console: FakeConsole | None = None,
    extra: str = "",
    text: str | None = None,
    abandon_seconds: float = 0.3,
) -> AsyncIterator[ExecutorDesk]:
    """An executor on a free port, drained and gone after the block. `text`: settings for another console."""
    async with AsyncExitStack() as stack:
        own = console or stack.enter_context(FakeConsole())
        text = text or settings_text(own, f"host: 127.0.0.1\n{extra}")
        runtime = await stack.enter_async_context(open_test_runtime(tmp_path, text))
        stack.enter_context(hosting_runs(asyncio.get_running_loop()))
        plane = ControlPlane(runtime, registry, asyncio.get_running_loop(), abandon_seconds=abandon_seconds)
        address = await plane.start()
        stack.push_async_callback(_stop, plane)
        http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{plane.port}", trust_env=False)
        await stack.enter_async_context(http)
        yield ExecutorDesk(runtime, plane, own, http, address, cast("MemoryAlertSender", runtime.alerts))


async def _stop(plane: ControlPlane) -> None:
    plane.request_stop()
    plane.request_stop()
    await plane.stopped()
