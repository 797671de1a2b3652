"""A whole executor and a console of each version, and consoles that change theirs."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from app.jobs.context import JobContext
from app.testing.fake_console import ConsoleDialect, FakeConsole
from support.configurations import until
from support.executor import ExecutorDesk, open_executor, registry_of


async def speaks(ctx: JobContext) -> str:
    ctx.log.info("a line of the job")
    return f"got {ctx.param}"


async def endless(ctx: JobContext) -> None:
    await asyncio.Event().wait()


JOBS = registry_of(speaks, endless)


async def ask(call: Any, *arguments: Any, **fields: Any) -> Any:
    """A console's call, which blocks, from a coroutine."""
    return await asyncio.to_thread(call, *arguments, **fields)


async def outcome_of(desk: ExecutorDesk, log_id: int) -> tuple[int, Any]:
    found: tuple[int, Any] = await until(lambda: desk.console.outcome_of(log_id))
    return found


@pytest.mark.parametrize("dialect", list(ConsoleDialect))
@pytest.mark.parametrize("path", ["/xxl-job-admin", ""])
async def test_a_console_of_any_version_gets_all_it_asks_for(
    tmp_path: Path, dialect: ConsoleDialect, path: str
) -> None:
    with FakeConsole(dialect=dialect, path=path) as console:
        calls = console.calls
        async with open_executor(tmp_path, JOBS, console=console) as desk:
            [registered] = await until(lambda: console.registrations)
            assert registered == {
                "registryGroup": "EXECUTOR",
                "registryKey": "test-executor",
                "registryValue": desk.address,
            }

            assert (await ask(calls.beat, desk.address))["code"] == 200
            run = await ask(calls.trigger, desk.address, "speaks", executorParams="this")
            assert await outcome_of(desk, run["logId"]) == (200, "got this")
            page = await ask(calls.read_log, desk.address, run["logId"], run["logDateTime"])
            assert "a line of the job" in page["logContent"]
            assert page["fromLineNum"] == 1

            long = await ask(calls.trigger, desk.address, "endless", jobId=17)
            assert (await ask(calls.idle_beat, desk.address, 17))["code"] == 500
            assert (await ask(calls.kill, desk.address, 17))["code"] == 200
            code, message = await outcome_of(desk, long["logId"])
            assert (code, "killed" in message) == (500, True)
        assert console.removals == [registered]


async def test_a_3_5_console_that_names_another_app_is_refused(tmp_path: Path) -> None:
    with FakeConsole(dialect="3.5", app_name="test-executor") as console:
        async with open_executor(tmp_path, JOBS, console=console) as desk:
            await until(lambda: console.registrations)
            console.registrations.clear()
            console.app_name = "another"
            answer = await ask(console.calls.beat, desk.address)
    assert answer == {"code": 500, "msg": "invalid request, accessToken or appname invalid."}


async def test_an_older_console_is_not_heard_on_the_path_of_3_5(tmp_path: Path) -> None:
    async with open_executor(tmp_path, JOBS) as desk:
        body = desk.console.calls.build_trigger("speaks")
        answer = await ask(desk.console.calls.ask, desk.address, "/trigger", body)
    assert answer == {"code": 500, "msg": "invalid request, accessToken or appname is empty."}


@pytest.mark.parametrize("older", [ConsoleDialect.V2_2, ConsoleDialect.V2_3, ConsoleDialect.V3_3])
async def test_a_console_may_be_upgraded_and_taken_back_while_runs_end(tmp_path: Path, older: ConsoleDialect) -> None:
    with FakeConsole(dialect=older) as console:
        async with open_executor(tmp_path, JOBS, console=console) as desk:
            expected = {}
            for dialect in (older, ConsoleDialect.V3_5, older, ConsoleDialect.V3_5):
                for number in range(10):
                    run = await ask(console.calls.trigger, desk.address, "speaks", jobId=number, executorParams=dialect)
                    expected[run["logId"]] = (200, f"got {dialect}")
                    if number == 5:  # some have been told, some are on their way
                        console.dialect = ConsoleDialect.V3_5 if dialect is older else older
            outcomes = {log_id: await outcome_of(desk, log_id) for log_id in expected}
    assert outcomes == expected
    assert Counter(one["logId"] for one in console.callbacks) == dict.fromkeys(expected, 1)


async def test_callbacks_that_wait_while_the_console_is_replaced_reach_the_new_one(tmp_path: Path) -> None:
    with FakeConsole() as console:
        async with open_executor(tmp_path, JOBS, console=console) as desk:
            await until(lambda: console.registrations)
            console.stop()
            log_ids = [await desk.run("speaks", jobId=number) for number in range(20)]
            console.dialect = ConsoleDialect.V3_5
            console.start()
            for log_id in log_ids:
                assert await outcome_of(desk, log_id) == (200, "got ")
