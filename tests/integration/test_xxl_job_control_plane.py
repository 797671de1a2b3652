"""The executor as the console meets it: over HTTP, both planes at work."""

import threading
from pathlib import Path

from app.jobs import JobContext
from support.executor import open_executor, registry_of


async def greet(ctx: JobContext) -> str:
    ctx.log.info("greeting")
    return f"hello {ctx.param}"


def greet_plainly(ctx: JobContext) -> str:
    ctx.log.info("greeting from a thread")
    return threading.current_thread().name


async def test_an_async_job_runs_and_its_result_is_called_back(tmp_path: Path) -> None:
    async with open_executor(tmp_path, registry_of(greet)) as desk:
        assert await desk.outcome_of("greet", executorParams="world") == (200, "hello world")


async def test_a_plain_job_runs_in_a_thread_of_its_own(tmp_path: Path) -> None:
    async with open_executor(tmp_path, registry_of(greet_plainly)) as desk:
        code, message = await desk.outcome_of("greet_plainly")

    assert code == 200
    assert message.startswith("job-greet_plainly-")
