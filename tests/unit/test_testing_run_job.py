"""One run in the test's own process: what comes back is what the executor would have made of it."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from app.common.context import get_trace_id
from app.common.errors import NotFoundError, StartupError
from app.common.logger import log
from app.config.live import settings
from app.jobs import JobContext
from app.jobs.options import JobOptions, Retry
from app.jobs.record import RunOutcome, RunState
from app.jobs.registry import JobRegistry, build_definition
from app.runtime import Runtime
from app.testing import run_job as module
from app.testing.memory_runtime import open_memory_runtime
from app.testing.run_job import run_job, run_job_sync


class Wanted(BaseModel):
    name: str


async def greet(ctx: JobContext) -> str:
    ctx.log.bind(greeted=ctx.args.name).info("greeting")
    return f"hello {ctx.args.name}"


async def fail() -> None:
    raise ValueError("no such order")


async def linger() -> None:
    await asyncio.sleep(60)


def show(ctx: JobContext) -> dict[str, object]:
    return {
        "param": ctx.param,
        "shard": [ctx.shard_index, ctx.shard_total],
        "attempt": ctx.attempt,
        "job_id": ctx.job_id,
        "thread": threading.current_thread() is not threading.main_thread(),
    }


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[Runtime]:
    async with open_memory_runtime(tmp_path, {"log": {"console": False}}) as opened:
        yield opened


async def test_a_run_has_outcome_message_log_and_one_callback(runtime: Runtime) -> None:
    registry = JobRegistry()
    registry.add(build_definition("greet", greet, args=Wanted))

    run = await run_job("greet", param={"name": "Ada"}, registry=registry, runtime=runtime)

    assert (run.outcome, run.code, run.message) == ("success", 200, "hello Ada")
    phrases = ("run started", "greeting", "run finished")
    assert [phrase for phrase in phrases if phrase in run.log] == list(phrases)
    assert "greeted=Ada" in run.lines[1]
    assert [(one.code, one.message) for one in run.callbacks] == [(200, "hello Ada")]
    assert (run.alerts, run.exception, run.abandoned) == ((), None, False)
    assert (run.record.state, run.record.instance) == (RunState.DONE, runtime.instance)


async def test_a_failure_is_a_result_with_its_alert_and_its_stack_in_the_log(runtime: Runtime) -> None:
    run = await run_job(fail, runtime=runtime)

    assert (run.outcome, run.code, run.message) == (RunOutcome.FAILED, 500, "ValueError: no such order")
    assert isinstance(run.exception, ValueError)
    assert [alert.summary for alert in run.alerts] == ["job fail failed: ValueError: no such order"]
    assert 'raise ValueError("no such order")' in run.log


async def test_a_run_sees_the_alerts_of_no_other_run(runtime: Runtime) -> None:
    await run_job(fail, runtime=runtime)
    assert len((await run_job(fail, runtime=runtime)).alerts) == 1


@pytest.mark.parametrize(
    ("param", "seen"), [("a text", "a text"), ({"name": "Ada"}, '{"name": "Ada"}'), ([1, "二"], '[1, "二"]')]
)
async def test_a_parameter_is_text_or_json(runtime: Runtime, param: object, seen: str) -> None:
    run = await run_job(lambda ctx: ctx.param, param=param, runtime=runtime)
    assert run.message == seen


async def test_shard_attempt_and_job_id_reach_the_context_of_a_plain_function_in_its_thread(runtime: Runtime) -> None:
    run = await run_job(show, shard=(1, 3), attempt=2, job_id=9, runtime=runtime)
    assert run.message == '{"param": "", "shard": [1, 3], "attempt": 2, "job_id": 9, "thread": true}'


async def test_a_parameter_that_does_not_fit_the_model_fails_the_run(runtime: Runtime) -> None:
    registry = JobRegistry()
    registry.add(build_definition("greet", greet, args=Wanted))
    run = await run_job("greet", param={"nobody": 1}, registry=registry, runtime=runtime)
    assert run.message == "ValidationError: bad parameter: name: Field required"


async def test_a_timeout_is_told_as_the_console_reads_it(runtime: Runtime) -> None:
    run = await run_job(linger, timeout=0.02, runtime=runtime)
    assert (run.outcome, run.code, run.message, run.abandoned) == ("timeout", 502, "job execute timeout", False)
    assert len(run.callbacks) == 1


async def test_a_job_is_tried_again_without_its_pauses_and_one_outcome_is_told(runtime: Runtime) -> None:
    def second_time(ctx: JobContext) -> str:
        if ctx.attempt == 1:
            raise ValueError("not yet")
        return "then"

    registry = JobRegistry()
    options = JobOptions(retry=Retry(attempts=2, first_seconds=50))
    registry.add(build_definition("second_time", second_time, options=options))
    run = await run_job("second_time", registry=registry, runtime=runtime)

    assert (run.message, run.record.attempt, run.alerts) == ("then", 2, ())
    assert [told.message for told in run.callbacks] == ["then"]
    assert "attempt failed, the job is tried again" in run.log


async def test_a_body_that_does_not_end_is_left_behind(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ABANDON_SECONDS", 0.02)
    go_on = threading.Event()
    run = await run_job(lambda: go_on.wait(30), timeout=0.02, runtime=runtime)
    go_on.set()
    assert (run.outcome, run.abandoned) == ("timeout", True)


async def test_everything_that_is_written_in_the_run_is_in_its_log_under_its_trace(runtime: Runtime) -> None:
    def write() -> str:
        log.info("from the process's log")
        return get_trace_id()

    run = await run_job(write, runtime=runtime)
    assert run.message == run.record.trace_id
    [line] = [line for line in run.lines if "from the process's log" in line]
    assert run.record.trace_id in line


async def test_a_run_by_itself_reads_the_settings_it_was_given(tmp_path: Path) -> None:
    run = await run_job(
        lambda: settings().get("orders.limit"),
        settings="orders: {limit: 3}\nlog: {console: false}\n",
        folder=tmp_path,
    )
    assert run.message == "3"
    assert (tmp_path / "data").is_dir()


async def test_bad_settings_end_the_start_with_the_reason() -> None:
    with pytest.raises(StartupError, match=r"server\.port"):
        await run_job(fail, settings={"server": {"port": "many"}})


async def test_a_job_of_the_task_packages_is_found_by_its_name(runtime: Runtime) -> None:
    run = await run_job("refresh_nacos_config_task", runtime=runtime)
    assert run.message == "success: unchanged, revision 1, changed: nothing"


async def test_an_unknown_name_is_no_run(runtime: Runtime) -> None:
    with pytest.raises(NotFoundError, match="nobody_registered_this"):
        await run_job("nobody_registered_this", runtime=runtime)


def test_a_test_without_a_loop_runs_jobs_too(tmp_path: Path) -> None:
    run = run_job_sync(show, shard=(0, 2), folder=tmp_path, settings={"log": {"console": False}})
    assert run.message.startswith('{"param": "", "shard": [0, 2]')
