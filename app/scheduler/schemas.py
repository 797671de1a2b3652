"""What the console's API takes and gives."""

from datetime import UTC, datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.jobs.registry import JobDefinition
from app.scheduler.models import BlockStrategy, ConsoleRun, ConsoleRunState, LogPage, Registration, RunOrder


class BroadcastBody(BaseModel):
    """How a job is to be run on every executor. Everything has a default."""

    model_config = ConfigDict(extra="forbid")

    param: str = Field("", max_length=65_536, description="handed to the job as it is")
    app_name: str = Field("", max_length=255, description="the executor's name; empty: the one of `xxl-job.app_name`")
    block_strategy: BlockStrategy = BlockStrategy.SERIAL_EXECUTION
    timeout_seconds: int = Field(0, ge=0, le=604_800, description="0: no limit")

    def order(self, handler: str) -> RunOrder:
        return RunOrder(handler=handler, **dict(self))


class TriggerBody(BroadcastBody):
    """How a job is to be run once."""

    shard_index: int = Field(0, ge=0, description="plays one shard of a sharded job")
    shard_total: int = Field(1, ge=1, le=10_000)

    @model_validator(mode="after")
    def _index_below_total(self) -> Self:
        if self.shard_index >= self.shard_total:
            raise ValueError("shard_index must be below shard_total")
        return self


class JobView(BaseModel):
    """A job of this project."""

    name: str
    job_id: int = Field(description="the id by which executors know it")
    origin: str = Field(description="module and function")
    description: str = Field(description="the first line of the function's docstring")
    args_schema: dict[str, Any] | None = Field(description="JSON schema of the parameter, for a job that has a model")

    @classmethod
    def of(cls, definition: JobDefinition, job_id: int) -> Self:
        description, _, _ = (definition.function.__doc__ or "").strip().partition("\n")
        args_schema = definition.args.model_json_schema() if definition.args else None
        return cls(
            name=definition.name,
            job_id=job_id,
            origin=definition.origin,
            description=description,
            args_schema=args_schema,
        )


class ExecutorView(BaseModel):
    """An executor that is registered: it says so every 30 s, and is dropped after 90."""

    app_name: str
    address: str
    last_seen_at: datetime

    @classmethod
    def of(cls, registration: Registration) -> Self:
        return cls(
            app_name=registration.app_name,
            address=registration.address,
            last_seen_at=datetime.fromtimestamp(registration.seen_at, UTC),
        )


class RunView(BaseModel):
    """One run, as the console knows it."""

    log_id: int
    job_id: int
    handler: str
    param: str
    app_name: str
    address: str = Field(description="the executor; empty when none was found alive")
    block_strategy: BlockStrategy
    timeout_seconds: int
    shard_index: int
    shard_total: int
    trace_id: str = Field(description="what the run's log lines, SQL and calls carry")
    state: ConsoleRunState
    trigger_code: int = Field(description="0 pending, 200 accepted, else refused")
    trigger_message: str
    handle_code: int = Field(description="0 pending, 200 success, 500 failure, 502 timeout")
    handle_message: str
    triggered_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, run: ConsoleRun) -> Self:
        return cls(
            log_id=run.log_id,
            job_id=run.job_id,
            **vars(run.order),
            address=run.address,
            trace_id=run.trace_id,
            state=run.state,
            trigger_code=run.trigger_code,
            trigger_message=run.trigger_message,
            handle_code=run.handle_code,
            handle_message=run.handle_message,
            triggered_at=_moment(run.triggered_at_ms),
            finished_at=None if run.finished_at_ms is None else _moment(run.finished_at_ms),
        )


class LogPageView(BaseModel):
    """Some lines of a run's log. The next page begins at `to_line + 1`; an empty page ends one before it begins."""

    from_line: int
    to_line: int
    content: str
    is_end: bool = Field(description="the run is over and everything was read")

    @classmethod
    def of(cls, page: LogPage) -> Self:
        return cls(**vars(page))


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
