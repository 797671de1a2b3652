"""What surrounds a handler, seen from outside: results, parameters, trace, log, alerts, snapshot."""

import asyncio
import datetime
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, field_validator

from app.common.context import get_trace_id
from app.common.logger import log
from app.common.trace import w3c_trace_id
from app.config.snapshot import settings, snapshot
from app.jobs import JobContext
from app.jobs.registry import JobRegistry, build_definition
from support.executor import open_executor, registry_of, settings_text, until


class Odd:
    def __str__(self) -> str:
        raise ValueError("can't be shown")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, ""),
        ("text", "text"),
        (7, "7"),
        (True, "True"),
        ({"rows": 3, "名": "值"}, '{"rows": 3, "名": "值"}'),
        ([1, "a", None], '[1, "a", null]'),
        ((1, 2), "[1, 2]"),
        ({"at": datetime.date(2031, 5, 1)}, '{"at": "2031-05-01"}'),
        (datetime.date(2031, 5, 1), "2031-05-01"),
        (b"bytes", "b'bytes'"),
        ({(1, 2): 3}, "{(1, 2): 3}"),
        ("lone \ud800 surrogate", "lone ? surrogate"),
        ("x" * 200_000, "x" * 15_000),
        ("😀" * 10_000, "😀" * 7_500),
        (Odd(), "<unprintable Odd>"),
    ],
)
async def test_any_result_becomes_text(tmp_path: Path, value: Any, message: str) -> None:
    async def give() -> Any:
        return value

    async with open_executor(tmp_path, registry_of(give)) as desk:
        assert await desk.outcome_of("give") == (200, message)


async def test_a_failure_is_called_back_with_its_type_and_without_secrets(tmp_path: Path) -> None:
    async def fail() -> None:
        raise ValueError("login with password=hunter2 refused")

    async with open_executor(tmp_path, registry_of(fail)) as desk:
        assert await desk.outcome_of("fail") == (500, "ValueError: login with password=****** refused")


async def test_failed_runs_raise_one_kind_of_alert_and_successes_none(tmp_path: Path) -> None:
    async def fail(ctx: JobContext) -> None:
        if ctx.param:
            raise ValueError("no rows")

    async with open_executor(tmp_path, registry_of(fail)) as desk:
        await desk.outcome_of("fail")
        log_id = await desk.run("fail", executorParams="x")
        await desk.callback_of(log_id)
        [alert] = desk.alerts.raised

    assert (alert.name, alert.dedup_key, alert.trace_id) == (
        "job_failed", "job:fail:ValueError", f"xxl-test-executor-{log_id}",
    )  # fmt: skip


async def test_a_killed_run_is_no_alert_and_a_timeout_is(tmp_path: Path) -> None:
    async def nap() -> None:
        await asyncio.sleep(30)

    async with open_executor(tmp_path, registry_of(nap)) as desk:
        log_id = await desk.run("nap")
        await desk.post("/kill", {"jobId": 4})
        await desk.callback_of(log_id)
        await desk.outcome_of("nap", executorTimeout=1)
        assert [alert.dedup_key for alert in desk.alerts.raised] == ["job:nap:timeout"]


class Report(BaseModel):
    day: datetime.date
    limit: int = 10


async def test_the_parameter_is_parsed_by_the_jobs_model(tmp_path: Path) -> None:
    async def report(ctx: JobContext) -> str:
        return f"{ctx.args.day:%d.%m.} {ctx.args.limit} {ctx.param}"

    async with open_executor(tmp_path, registry_of(report, args=Report)) as desk:
        outcome = await desk.outcome_of("report", executorParams='{"day": "2031-05-01"}')

    assert outcome == (200, '01.05. 10 {"day": "2031-05-01"}')


async def test_a_bad_parameter_fails_the_run_with_the_reasons_and_no_values(tmp_path: Path) -> None:
    async def report(ctx: JobContext) -> str:
        raise AssertionError("must not run")

    async with open_executor(tmp_path, registry_of(report, args=Report)) as desk:
        code, message = await desk.outcome_of("report", executorParams='{"limit": "s3cret"}')

    assert code == 500
    assert message.startswith("ValidationError: bad parameter: day: Field required; limit: Input should be a valid int")
    assert "s3cret" not in message


@pytest.mark.parametrize("kind", ["async", "plain"])
async def test_everything_written_inside_a_run_reaches_its_log_with_the_trace_id(tmp_path: Path, kind: str) -> None:
    def write(ctx: JobContext) -> None:
        ctx.log.info("by the context")
        log.info("by the module")
        worker = threading.Thread(target=lambda: ctx.log.info("by another thread"))
        worker.start()
        worker.join()

    async def write_async(ctx: JobContext) -> None:
        write(ctx)
        await asyncio.to_thread(log.info, "by a helper thread")

    job = write_async if kind == "async" else write
    async with open_executor(tmp_path, registry_of(job)) as desk:
        log_id = await desk.run(job.__name__)
        await desk.callback_of(log_id)
        page = await desk.log_page(log_id)

    lines = page["logContent"].splitlines()
    trace_id = f"xxl-test-executor-{log_id}"
    assert all(f"[{trace_id}]" in line for line in lines)
    assert trace_id in lines[0]
    assert w3c_trace_id(trace_id) in lines[0]
    assert "by the context" in lines[1]
    assert "by the module" in lines[2]
    assert "run finished" in lines[-1]


async def test_lines_of_two_runs_at_once_do_not_mix(tmp_path: Path) -> None:
    async def write(ctx: JobContext) -> None:
        for _ in range(20):
            log.info(f"line of {ctx.param}")
            await asyncio.sleep(0)

    async with open_executor(tmp_path, registry_of(write)) as desk:
        log_ids = {name: await desk.run("write", jobId=job, executorParams=name) for job, name in enumerate("ab")}
        for log_id in log_ids.values():
            await desk.callback_of(log_id)
        pages = {name: (await desk.log_page(log_id))["logContent"] for name, log_id in log_ids.items()}

    assert pages["a"].count("line of a") == pages["b"].count("line of b") == 20
    assert "line of b" not in pages["a"]


async def test_the_failures_stack_is_in_the_job_log(tmp_path: Path) -> None:
    async def fail() -> None:
        raise ValueError("no rows")

    async with open_executor(tmp_path, registry_of(fail)) as desk:
        log_id = await desk.run("fail")
        await desk.callback_of(log_id)
        content = (await desk.log_page(log_id))["logContent"]

    assert "Traceback (most recent call last)" in content
    assert "ValueError: no rows" in content


@pytest.mark.parametrize(("live", "seen"), [(False, ["one", "one"]), (True, ["one", "two"])])
async def test_a_run_is_pinned_to_one_snapshot_unless_it_is_live(tmp_path: Path, live: bool, seen: list[str]) -> None:
    values, changed = [], asyncio.Event()

    async def read(ctx: JobContext) -> None:
        values.append(settings().get("mode"))
        await changed.wait()
        values.append(settings().get("mode"))
        assert ctx.snapshot.settings.get("mode") == "one"

    registry = JobRegistry()
    registry.add(build_definition("read", read, live=live))
    async with open_executor(tmp_path, registry) as desk:
        text = settings_text(desk.console, "host: 127.0.0.1")
        await desk.apply(text + "mode: one\n")
        log_id = await desk.run("read")
        await until(lambda: values)
        await desk.apply(text + "mode: two\n")
        changed.set()
        assert (await desk.callback_of(log_id))["handleCode"] == 200

    assert values == seen


async def test_no_context_leaks_out_of_a_run(tmp_path: Path) -> None:
    async def look() -> str:
        return get_trace_id()

    async with open_executor(tmp_path, registry_of(look)) as desk:
        log_id = await desk.run("look")
        assert (await desk.callback_of(log_id))["handleMsg"] == f"xxl-test-executor-{log_id}"
        assert get_trace_id() == "-"
        assert snapshot() is desk.runtime.settings.state.snapshot


def outer(ctx: JobContext) -> Any:
    async def inner() -> None:
        return None

    return inner()


async def test_a_plain_job_that_returns_a_coroutine_fails_with_advice(tmp_path: Path) -> None:
    async with open_executor(tmp_path, registry_of(outer)) as desk:
        code, message = await desk.outcome_of("outer")

    assert code == 500
    assert "write it as `async def`" in message


class Fragile(BaseModel):
    table: str

    @field_validator("table")
    @classmethod
    def _known(cls, value: str) -> str:
        return {"orders": "orders"}[value]


async def test_a_model_that_breaks_fails_the_run_and_leaves_no_file_open(tmp_path: Path) -> None:
    async def report(ctx: JobContext) -> None:
        raise AssertionError("must not run")

    async with open_executor(tmp_path, registry_of(report, args=Fragile)) as desk:
        log_id = await desk.run("report", executorParams='{"table": "nothing"}')
        assert (await desk.callback_of(log_id))["handleMsg"] == "KeyError: 'nothing'"
        assert "run finished" in (await desk.log_page(log_id))["logContent"]
        open_files = [os.path.realpath(entry) for entry in Path("/proc/self/fd").iterdir()]

    assert not any(name.endswith(f"{log_id}.log") for name in open_files)
