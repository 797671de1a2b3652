"""How the console comes into a web process: built when the application starts, closed when it stops, local only."""

import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI
from starlette.requests import HTTPConnection

from app.common.errors import NotFoundError
from app.common.logger import log
from app.config.tokens import access_token
from app.runtime import Runtime, runtime_of
from app.scheduler.catalogue import JobCatalogue
from app.scheduler.executor_client import ExecutorClient
from app.scheduler.identifiers import Clock
from app.scheduler.registry import ExecutorRegistry
from app.scheduler.repository import MemoryRunRepository
from app.scheduler.service import SchedulerService


class ConsoleDisabled(NotFoundError):
    """The embedded console exists in the local environment only; elsewhere XXL-JOB's own console is used."""

    code = "FEATURE_DISABLED"


def build_scheduler(runtime: Runtime, job_modules: Iterable[str], *, clock: Clock = time.time) -> SchedulerService:
    """The console of this process; whoever builds it closes it. Opens nothing before it is used."""
    live = runtime.settings
    packages = live.state.snapshot.settings.xxl_job.task_packages
    return SchedulerService(
        runs=MemoryRunRepository(),
        executors=ExecutorRegistry(clock),
        client=ExecutorClient(lambda: access_token(runtime.environment, live.state.snapshot.settings)),
        jobs=JobCatalogue((*job_modules, *packages)),
        default_app_name=lambda: live.state.snapshot.settings.xxl_job.app_name,
        clock=clock,
    )


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Runs inside the application's own lifespan, which has put `runtime` and `job_modules` on `app.state`."""
    runtime: Runtime = app.state.runtime
    if not runtime.environment.is_local:
        yield
        return
    if runtime.settings.state.snapshot.settings.server.workers > 1:
        log.warning("the embedded console keeps its state in one process: set server.workers to 1 to use it")
    scheduler = build_scheduler(runtime, getattr(app.state, "job_modules", ()))
    app.state.scheduler = scheduler
    try:
        yield
    finally:
        await scheduler.close()


def scheduler_of(connection: HTTPConnection) -> SchedulerService:
    """The console of the application that serves this request. Raises ConsoleDisabled outside the local environment."""
    if not runtime_of(connection).environment.is_local:
        raise ConsoleDisabled
    scheduler: SchedulerService = connection.app.state.scheduler
    return scheduler


SchedulerDep = Annotated[SchedulerService, Depends(scheduler_of)]
