"""Opens the run ledger that the settings ask for, and brings to an end what former processes left in it."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial

from app.common.logger import log
from app.config.environment import Environment
from app.config.settings import XxlJobSettings
from app.config.xxl_job_config import ExecutorConfiguration
from app.jobs.ledger.base import RunLedger
from app.jobs.ledger.memory import MemoryRunLedger
from app.jobs.ledger.recovery import recover
from app.jobs.ledger.sqlite import SqliteRunLedger
from app.jobs.record import RunRecord
from app.xxl_job.executor.admission import console_of
from app.xxl_job.executor.ledger_folder import adopt_dead, claimed_folder, runs_file

_MEBIBYTE = 1024 * 1024


async def open_run_ledger(
    stack: AsyncExitStack,
    environment: Environment,
    configuration: ExecutorConfiguration,
    port: int,
    is_resumable: Callable[[RunRecord], bool],
) -> tuple[RunLedger, list[RunRecord]]:
    """The ledger, closed when the stack unwinds, and the runs that are to begin anew. Raises StartupError."""
    held = ExitStack()
    stack.push_async_callback(asyncio.to_thread, held.close)
    if configuration.limits.ledger == "memory":
        log.warning("runs and outcomes are kept in memory: they don't survive the process")
        memory = MemoryRunLedger()
        held.callback(memory.close)
        return memory, []
    return await asyncio.to_thread(_open, held, environment, configuration, port, is_resumable)


def follow_limits(ledger: RunLedger, limits: XxlJobSettings) -> None:
    """The bound that new settings ask for."""
    if isinstance(ledger, SqliteRunLedger):
        ledger.limit(limits.ledger_max_mb * _MEBIBYTE)


def forgotten_before(limits: XxlJobSettings) -> datetime:
    """What was accepted before that moment and is reported needn't be remembered."""
    return datetime.now(UTC) - timedelta(days=limits.ledger_retention_days)


def _open(
    held: ExitStack,
    environment: Environment,
    configuration: ExecutorConfiguration,
    port: int,
    is_resumable: Callable[[RunRecord], bool],
) -> tuple[RunLedger, list[RunRecord]]:
    limits = configuration.limits
    instance = environment.instance_id or f"{environment.host}-{port}"
    folder = held.enter_context(claimed_folder(environment.data_dir, instance))
    ledger = SqliteRunLedger(runs_file(folder), fsync=limits.ledger_fsync, max_bytes=limits.ledger_max_mb * _MEBIBYTE)
    held.callback(ledger.close)
    unfinished = len(ledger.list_unfinished())
    resumed = recover(ledger, is_resumable)
    if unfinished:
        log.bind(lost=unfinished - len(resumed), resumed=len(resumed)).warning("runs of the former process ended")
    adopt_dead(folder, ledger, partial(_is_of, console_of(configuration)), forgotten_before(limits))
    return ledger, resumed


def _is_of(console: str, record: RunRecord) -> bool:
    return record.console == console
