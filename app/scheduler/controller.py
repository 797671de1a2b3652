"""The embedded console for people and the command line: what there is to run, who runs it, and what came of it."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Query, status

from app.edge import require_ops_token
from app.scheduler.schemas import BroadcastBody, ExecutorView, JobView, LogPageView, RunView, TriggerBody
from app.scheduler.wiring import SchedulerDep, lifespan, scheduler_of

router = APIRouter(
    prefix="/api/v1/scheduler",
    tags=["scheduler"],
    dependencies=[Depends(scheduler_of), Depends(require_ops_token)],
    lifespan=lifespan,
)

HandlerName = Annotated[str, Path(min_length=1, max_length=255, description="the job's name, as in @job")]
OptionalTriggerBody = Annotated[TriggerBody, Body(default_factory=TriggerBody)]
OptionalBroadcastBody = Annotated[BroadcastBody, Body(default_factory=BroadcastBody)]


@router.get("/jobs")
async def list_jobs(scheduler: SchedulerDep) -> list[JobView]:
    """The jobs of this project."""
    return [JobView.of(found, scheduler.job_id(found.name)) for found in await scheduler.list_jobs()]


@router.get("/executors")
async def list_executors(scheduler: SchedulerDep) -> list[ExecutorView]:
    """The executors that are alive."""
    return [ExecutorView.of(found) for found in scheduler.list_executors()]


@router.post("/jobs/{name}/trigger", status_code=status.HTTP_201_CREATED)
async def trigger(name: HandlerName, body: OptionalTriggerBody, scheduler: SchedulerDep) -> RunView:
    """Runs a job on the first executor that answers. A trigger that is refused is a run too, a failed one.

    409 NO_EXECUTOR when none has registered.
    """
    return RunView.of(await scheduler.trigger(body.order(name)))


@router.post("/jobs/{name}/broadcast", status_code=status.HTTP_201_CREATED)
async def broadcast(name: HandlerName, body: OptionalBroadcastBody, scheduler: SchedulerDep) -> list[RunView]:
    """Runs a job on every registered executor, each with its shard. 409 NO_EXECUTOR when none has registered."""
    return [RunView.of(run) for run in await scheduler.broadcast(body.order(name))]


@router.get("/runs")
async def list_runs(
    scheduler: SchedulerDep,
    handler: Annotated[str | None, Query(max_length=255)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[RunView]:
    """The newest runs first; of one handler, or of all."""
    return [RunView.of(run) for run in await scheduler.list_runs(limit, handler)]


@router.get("/runs/{log_id}")
async def get_run(log_id: int, scheduler: SchedulerDep) -> RunView:
    """One run."""
    return RunView.of(await scheduler.get_run(log_id))


@router.get("/runs/{log_id}/log")
async def get_log(log_id: int, scheduler: SchedulerDep, from_line: Annotated[int, Query(ge=1)] = 1) -> LogPageView:
    """The run's log from a line on, fetched from its executor; 502 when that can't give it."""
    return LogPageView.of(await scheduler.read_log(log_id, from_line))


@router.post("/runs/{log_id}/kill")
async def kill(log_id: int, scheduler: SchedulerDep) -> RunView:
    """Ends a running run and marks it failed; 409 when it isn't running, 502 when its executor can't be told."""
    return RunView.of(await scheduler.kill(log_id))
