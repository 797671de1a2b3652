"""The whole executor as a fork's tests have it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from app.jobs import JobContext
from app.jobs.registry import JobRegistry, build_definition
from app.testing.executor import RunningExecutor, open_executor
from app.testing.fake_console import FakeConsole, Fault
from app.testing.waiting import until


async def greet(ctx: JobContext) -> str:
    ctx.log.info("greeting")
    return f"hello {ctx.param}"


async def linger() -> None:
    await asyncio.sleep(60)


async def fail() -> None:
    raise ValueError("no such order")


def registry() -> JobRegistry:
    filled = JobRegistry()
    for function in (greet, linger, fail):
        filled.add(build_definition(function.__name__, function))
    return filled


@pytest.fixture
async def own(tmp_path: Path, fake_console: FakeConsole) -> AsyncIterator[RunningExecutor]:
    async with open_executor(tmp_path, fake_console, registry=registry()) as running:
        yield running


@pytest.mark.parametrize("fake_console", ["2.2", "2.3", "3.3", "3.5"], indirect=True)
async def test_a_run_is_triggered_and_told_in_the_words_of_every_version(own: RunningExecutor) -> None:
    log_id = await own.trigger("greet", param="Ada")
    assert await own.outcome_of(log_id) == (200, "hello Ada")
    log = await own.log_of(log_id)
    assert [phrase for phrase in ("run started", "greeting", "run finished") if phrase in log] == [
        "run started", "greeting", "run finished",
    ]  # fmt: skip


async def test_an_outage_of_the_console_loses_no_outcome(own: RunningExecutor) -> None:
    own.console.fault = Fault.REFUSE
    log_id = await own.trigger("greet", param={"name": "Ada"})
    await until(lambda: "callback" in [name for name, _ in own.console.requests])
    assert own.console.outcome_of(log_id) is None
    own.console.fault = None
    assert await own.outcome_of(log_id, seconds=30) == (200, 'hello {"name": "Ada"}')


async def test_a_killed_run_is_told(own: RunningExecutor) -> None:
    log_id = await own.trigger("linger", jobId=9)
    await own.kill(9)
    code, message = await own.outcome_of(log_id)
    assert (code, "killed" in message) == (500, True)


async def test_a_timeout_is_told(own: RunningExecutor) -> None:
    assert await own.run("linger", executorTimeout=1) == (502, "job execute timeout")


async def test_a_failure_raises_its_alert(own: RunningExecutor) -> None:
    assert await own.run("fail") == (500, "ValueError: no such order")
    assert [alert.name for alert in own.alerts] == ["job_failed"]


async def test_what_is_refused_is_said(own: RunningExecutor) -> None:
    with pytest.raises(AssertionError, match=r"job handler \[nobody\] not found"):
        await own.trigger("nobody")


async def test_the_fixture_has_every_job_of_the_project(executor: RunningExecutor) -> None:
    code, message = await executor.run("refresh_nacos_config_task")
    assert (code, message) == (200, "success: unchanged, revision 1, changed: nothing")


async def test_settings_given_as_text_keep_the_way_to_the_console(
    tmp_path: Path, fake_consoles: Callable[..., FakeConsole]
) -> None:
    console = fake_consoles(dialect="3.5", path="")
    text = "xxl-job: {app_name: other}\n"
    async with open_executor(tmp_path, console, text, registry=registry()) as running:
        assert await running.run("greet", param="x") == (200, "hello x")
    assert {one["registryKey"] for one in console.registrations} == {"other"}
    assert [one["registryKey"] for one in console.removals] == ["other"]
