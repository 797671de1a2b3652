"""The executor with a real console: register, trigger, log, callback, retry, and a console restarted mid-run."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from app.jobs import JobContext
from app.jobs.registry import JobRegistry
from servers.console_client import ConsoleClient
from servers.ratchjob import Console
from support.executor import ExecutorDesk, open_executor, registry_of


@asynccontextmanager
async def joined(
    tmp_path: Path, console: Console, app_name: str, registry: JobRegistry
) -> AsyncIterator[tuple[ExecutorDesk, ConsoleClient]]:
    """An executor that the console lists under `app_name`, and a user of the console."""
    text = (
        f"xxl-job: {{url: '{console.url}', access_token: {console.access_token}, app_name: {app_name}, "
        "host: 127.0.0.1, port: 0}\n"
    )
    async with open_executor(tmp_path, registry, text=text) as desk:
        with console.client() as client:
            await eventually(lambda: desk.address in client.executors(app_name))
            yield desk, client


async def eventually(find: Callable[[], Any], seconds: float = 30) -> Any:
    async with asyncio.timeout(seconds):
        while not (found := await asyncio.to_thread(find)):
            await asyncio.sleep(0.05)
    return found


async def run_to_the_end(client: ConsoleClient, app_name: str, handler: str, **fields: Any) -> dict[str, Any]:
    param = fields.pop("param", "")
    job_id = await asyncio.to_thread(lambda: client.create_job(app_name, handler, **fields))
    await asyncio.to_thread(lambda: client.trigger(job_id, param=param))
    task = await asyncio.to_thread(client.wait_for_run, job_id, app_name, seconds=30)
    return {**task, "job_id": job_id}


async def greet(ctx: JobContext) -> str:
    ctx.log.info("greeting")
    return f"hello {ctx.param}"


def fail_plainly() -> None:
    raise ValueError("no rows")


async def test_a_triggered_job_runs_and_its_result_and_log_are_seen_in_the_console(
    tmp_path: Path, console_server: Console
) -> None:
    async with joined(tmp_path, console_server, "tenon-runs", registry_of(greet)) as (_, client):
        task = await run_to_the_end(client, "tenon-runs", "greet", param="world")
        page = await asyncio.to_thread(client.task_log, task["taskId"], task["job_id"])

    assert task["status"] == "SUCCESS"  # ratchjob keeps the messages of failures only
    assert page["isEnd"]
    assert "greeting" in page["logContent"]
    assert f"[xxl-tenon-runs-{task['taskId']}]" in page["logContent"]


async def test_a_failure_is_seen_as_one(tmp_path: Path, console_server: Console) -> None:
    async with joined(tmp_path, console_server, "tenon-fails", registry_of(fail_plainly)) as (_, client):
        task = await run_to_the_end(client, "tenon-fails", "fail_plainly")

    assert (task["status"], task["callbackMessage"]) == ("FAIL", "ValueError: no rows")


async def test_the_consoles_retry_under_the_same_ids_is_told_the_outcome_and_runs_nothing(
    tmp_path: Path, console_server: Console
) -> None:
    executed: list[int] = []

    async def fail_always(ctx: JobContext) -> None:
        executed.append(ctx.log_id)
        raise ValueError("no rows")

    async with joined(tmp_path, console_server, "tenon-retries", registry_of(fail_always)) as (_, client):
        # ratchjob retries scheduled runs only, and takes the pause from the interval
        often = {"scheduleType": "CRON", "cronValue": "*/2 * * * * *", "intervalSecond": 1, "tryTimes": 1}
        job_id = await asyncio.to_thread(lambda: client.create_job("tenon-retries", "fail_always", **often))
        await eventually(lambda: len(executed) >= 3)  # by then the first ones were retried
        tasks = await asyncio.to_thread(client.tasks, job_id, "tenon-retries")
        await asyncio.to_thread(client.remove_job, job_id)
        task = next(task for task in tasks if task["taskId"] == executed[0])

    assert len(set(executed)) == len(executed)
    assert (task["status"], task["callbackMessage"]) == ("FAIL", "ValueError: no rows")


async def test_a_console_restarted_during_a_run_gets_its_callback(
    tmp_path: Path, console_factory: Callable[[], Console]
) -> None:
    release, started = asyncio.Event(), asyncio.Event()

    async def long_job() -> str:
        started.set()
        await release.wait()
        return "finished while you were away"

    console = await asyncio.to_thread(console_factory)
    async with joined(tmp_path, console, "tenon-restart", registry_of(long_job)) as (desk, client):
        job_id = await asyncio.to_thread(lambda: client.create_job("tenon-restart", "long_job"))
        await asyncio.to_thread(client.trigger, job_id)
        await asyncio.wait_for(started.wait(), 20)
        await asyncio.to_thread(console.stop)
        release.set()
        await asyncio.to_thread(console.start)
        task = await asyncio.to_thread(client.wait_for_run, job_id, "tenon-restart", seconds=40)
        await eventually(lambda: desk.address in client.executors("tenon-restart"), seconds=40)

    assert task["status"] == "SUCCESS"
