"""Which ledger is opened, and what becomes of the runs in it."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from app.common.errors import StartupError
from app.config.environment import load_environment
from app.config.settings import XxlJobSettings
from app.jobs.ledger.base import Acceptance, RunLedger
from app.jobs.ledger.memory import MemoryRunLedger
from app.jobs.ledger.sqlite import SqliteRunLedger
from app.jobs.record import RunOutcome, RunRecord, RunState
from app.xxl_job.executor.run_ledger import follow_limits, open_run_ledger
from support.engine_desk import EngineDesk
from support.jobs_support import build_record

CONFIGURATION = EngineDesk().configuration


async def opened(
    stack: AsyncExitStack, home: Path, port: int = 9999, *, resumable: bool = False, **limits: Any
) -> tuple[RunLedger, list[RunRecord]]:
    environment = load_environment({"DATA_DIR": str(home), "APP_ENV": "test"})
    configuration = EngineDesk(**limits).configuration
    return await open_run_ledger(stack, environment, configuration, port, lambda _: resumable)


async def keep_one(home: Path, port: int = 9999) -> None:
    """A process that dies with one run under way."""
    answers: list[Acceptance] = []
    async with AsyncExitStack() as stack:
        ledger, _ = await opened(stack, home, port)
        ledger.accept(build_record(1, console="http://console/x"), answers.append)


async def test_runs_under_way_in_the_dead_process_are_lost(tmp_path: Path) -> None:
    await keep_one(tmp_path)
    async with AsyncExitStack() as stack:
        ledger, resumed = await opened(stack, tmp_path)
        (record,) = ledger.list_unreported(10)
    assert resumed == []
    assert (record.outcome, record.code, record.message.partition(":")[0]) == (
        RunOutcome.LOST,
        500,
        "executor restarted",
    )


async def test_resumable_ones_begin_anew(tmp_path: Path) -> None:
    await keep_one(tmp_path)
    async with AsyncExitStack() as stack:
        _, (record,) = await opened(stack, tmp_path, resumable=True)
    assert (record.attempt, record.state) == (2, RunState.ACCEPTED)


async def test_the_outcomes_of_a_dead_instance_of_the_same_console_are_adopted(tmp_path: Path) -> None:
    await keep_one(tmp_path, port=1111)
    async with AsyncExitStack() as stack:
        ledger, _ = await opened(stack, tmp_path, port=2222)
        (record,) = ledger.list_unreported(10)
    assert record.outcome is RunOutcome.LOST


async def test_a_ledger_that_another_process_owns_ends_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.xxl_job.executor.ledger_folder.claimed_folder.__wrapped__.__defaults__", (0.1,))
    async with AsyncExitStack() as stack:
        await opened(stack, tmp_path)
        with pytest.raises(StartupError, match="INSTANCE_ID"):
            await opened(stack, tmp_path)


async def test_in_memory_no_file_is_written(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        ledger, _ = await opened(stack, tmp_path, ledger="memory")
        assert isinstance(ledger, MemoryRunLedger)
    assert list(tmp_path.iterdir()) == []


async def test_the_bound_follows_the_settings(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        ledger, _ = await opened(stack, tmp_path)
        assert isinstance(ledger, SqliteRunLedger)
        before = ledger.is_full
        follow_limits(ledger, XxlJobSettings.model_construct(ledger_max_mb=0))
        assert (before, ledger.is_full) == (False, True)
