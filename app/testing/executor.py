"""A whole executor in the test's own process, at home with a fake console: all they say goes over HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import yaml

from app.alerts.base import AlertEvent
from app.alerts.memory import MemoryAlertSender
from app.jobs.hosting import hosting_runs
from app.jobs.registry import JobRegistry
from app.runtime import Runtime
from app.testing.fake_console import FakeConsole
from app.testing.memory_runtime import SettingsText, open_memory_runtime
from app.testing.waiting import WAIT_SECONDS, until
from app.xxl_job.executor.control_plane import ControlPlane
from app.xxl_job.scheduler_server import load_jobs

FAREWELL_SECONDS: Final = 0.5


@dataclass
class RunningExecutor:
    """The executor, and its console's point of view."""

    runtime: Runtime
    console: FakeConsole
    plane: ControlPlane
    address: str
    """What the console was told."""
    _times: dict[int, int] = field(default_factory=dict)

    @property
    def alerts(self) -> list[AlertEvent]:
        """What was raised, if the runtime keeps its alerts in memory."""
        return self.runtime.alerts.raised if isinstance(self.runtime.alerts, MemoryAlertSender) else []

    async def trigger(self, handler: str, *, param: Any = "", **fields: Any) -> int:
        """Has the console trigger a run; returns its log id. AssertionError with the answer when it is refused.

        `param`: a text as it is, anything else as JSON. `fields` as the console names them: `jobId`,
        `executorTimeout`, `executorBlockStrategy`, `broadcastIndex`, …
        """
        text = param if isinstance(param, str) else json.dumps(param, ensure_ascii=False)
        sent = {"executorParams": text, **fields}
        body = await asyncio.to_thread(self.console.calls.trigger, self.address, handler, **sent)
        self._times[body["logId"]] = body["logDateTime"]
        return cast("int", body["logId"])

    async def outcome_of(self, log_id: int, seconds: float = WAIT_SECONDS) -> tuple[int, str]:
        """Code and message that the console was told, as soon as it was. AssertionError when it is not in time."""
        return cast("tuple[int, str]", await until(lambda: self.console.outcome_of(log_id), seconds))

    async def run(self, handler: str, **options: Any) -> tuple[int, str]:
        """Triggers, and waits for the outcome."""
        return await self.outcome_of(await self.trigger(handler, **options))

    async def kill(self, job_id: int = 4) -> None:
        """Has the console kill the job's run and empty its queue."""
        await asyncio.to_thread(self.console.calls.kill, self.address, job_id)

    async def log_of(self, log_id: int) -> str:
        """The job log as the console's view collects it, page by page."""
        text, line = "", 1
        while True:
            page = await asyncio.to_thread(self.console.calls.read_log, self.address, log_id, self._times[log_id], line)
            if page["fromLineNum"] > page["toLineNum"]:
                return text
            text, line = text + page["logContent"], page["toLineNum"] + 1


@asynccontextmanager
async def open_executor(
    folder: Path,
    console: FakeConsole,
    settings: SettingsText = "",
    overrides: Mapping[str, Any] | None = None,
    *,
    registry: JobRegistry | None = None,
) -> AsyncIterator[RunningExecutor]:
    """An executor on a free port, registered with `console`; drained in a hurry after the block.

    Without a `registry` it has the jobs of the settings and the features, as its process has.
    """
    async with open_memory_runtime(folder, _at_home(settings, console), overrides) as runtime:
        with hosting_runs(asyncio.get_running_loop()):
            jobs = load_jobs(runtime) if registry is None else registry
            plane = ControlPlane(runtime, jobs, asyncio.get_running_loop())
            address = await plane.start()
            try:
                await until(lambda: console.registrations)
                yield RunningExecutor(runtime, console, plane, address)
            finally:
                await _stop(plane)


async def _stop(plane: ControlPlane) -> None:
    """Runs that are left are not waited for."""
    plane.request_stop()
    try:
        async with asyncio.timeout(FAREWELL_SECONDS):
            await asyncio.shield(plane.stopped())
    except TimeoutError:
        plane.request_stop()
        await plane.stopped()


def _at_home(settings: SettingsText, console: FakeConsole) -> dict[str, Any]:
    """The settings, whose `xxl-job` section leads to the console where it says nothing else."""
    given = dict(yaml.safe_load(settings) or {} if isinstance(settings, str) else settings)
    home = {
        "url": console.url,
        "access_token": console.token,
        "app_name": "test-executor",
        "host": "127.0.0.1",
        "port": 0,
    }
    return {**given, "xxl-job": {**home, **(given.get("xxl-job") or {})}}
