"""A job that asks for a process of its own has one in a test, too."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.runtime import Runtime
from app.testing.memory_runtime import open_memory_runtime
from app.testing.run_job import run_job
from support import isolated_jobs


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[Runtime]:
    async with open_memory_runtime(tmp_path, {"log": {"console": False}}) as opened:
        yield opened


async def test_an_isolated_job_runs_in_a_child_with_its_context_and_log(runtime: Runtime) -> None:
    run = await run_job(isolated_jobs.iso_where, param="a text", shard=(1, 3), runtime=runtime)

    assert run.outcome == "success"
    assert '"param": "a text", "shard": [1, 3]' in run.message
    assert f'"pid": {os.getpid()}' not in run.message
    assert "run finished" in run.log


async def test_a_child_that_leaves_fails_its_run_only(runtime: Runtime) -> None:
    run = await run_job(isolated_jobs.iso_exit, runtime=runtime)
    assert (run.outcome, run.code, len(run.callbacks)) == ("failed", 500, 1)


async def test_an_isolated_job_is_killed_when_its_time_is_over(runtime: Runtime) -> None:
    run = await run_job(isolated_jobs.iso_deaf, timeout=0.2, runtime=runtime)
    assert (run.outcome, run.code, run.abandoned) == ("timeout", 502, False)
