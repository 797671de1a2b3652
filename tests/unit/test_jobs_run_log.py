"""Lines written inside a run go to its job log, and to no other."""

from collections.abc import AsyncIterator

import pytest

from app.common.context import bound
from app.common.logger import log
from app.config.sources.base import Trigger
from app.jobs.run_log import MemoryRunLog, lines_to_run_logs, run_log_var
from support.settings import Desk, build_desk


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    opened = build_desk()
    await opened.live.start()
    yield opened
    await opened.live.close()


def write_in(run_log: MemoryRunLog, level: str = "INFO") -> None:
    token = run_log_var.set(run_log)
    with bound("xxl-app-1"):
        log.bind(rows=3).log(level, "rows read")
    run_log_var.reset(token)


async def test_a_line_inside_a_run_has_trace_and_fields(desk: Desk) -> None:
    inside, outside = MemoryRunLog(), MemoryRunLog()
    with lines_to_run_logs(lambda: desk.live.state.snapshot):
        write_in(inside)
        log.info("outside of any run")

    assert "[xxl-app-1]" in inside.text
    assert inside.text.endswith("rows read rows=3\n")
    assert inside.text.count("\n") == 1
    assert outside.text == ""


async def test_secrets_are_masked_in_the_job_log_too(desk: Desk) -> None:
    run_log = MemoryRunLog()
    with lines_to_run_logs(lambda: desk.live.state.snapshot):
        token = run_log_var.set(run_log)
        log.info("login with password=hunter2")
        run_log_var.reset(token)
    assert "hunter2" not in run_log.text


async def test_the_level_of_the_settings_counts_live(desk: Desk) -> None:
    before, after = MemoryRunLog(), MemoryRunLog()
    with lines_to_run_logs(lambda: desk.live.state.snapshot):
        write_in(before, "DEBUG")
        await desk.apply("log: {level: DEBUG}\n", trigger=Trigger.PUSH)
        write_in(after, "DEBUG")

    assert before.text == ""
    assert "rows read" in after.text


async def test_after_the_block_nothing_is_taken(desk: Desk) -> None:
    run_log = MemoryRunLog()
    with lines_to_run_logs(lambda: desk.live.state.snapshot):
        pass
    write_in(run_log)
    assert run_log.text == ""
