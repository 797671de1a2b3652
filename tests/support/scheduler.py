"""The embedded console without a web process: its parts by hand, an executor in memory, an application around them."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from app.alerts.memory import MemoryAlertSender
from app.common.errors import AppError
from app.config.compose import Schema
from app.config.environment import Environment, load_environment
from app.config.live import LiveSettings
from app.config.placeholders import PlaceholderSource
from app.config.sources.memory import MemorySource
from app.runtime import Runtime
from app.scheduler import controller, protocol_controller
from app.scheduler.catalogue import JobCatalogue
from app.scheduler.executor_client import ExecutorClient
from app.scheduler.registry import ExecutorRegistry
from app.scheduler.repository import MemoryRunRepository
from app.scheduler.service import SchedulerService

NOON = 1_795_359_934.946
"""A moment in seconds since the epoch."""


class ManualClock:
    """Time that passes when the test says so."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@dataclass
class FakeExecutors:
    """Every executor there is, by host name; an unknown host refuses the connection."""

    alive: set[str] = field(default_factory=set)
    answers: dict[str, Any] = field(default_factory=dict)
    """What is answered to an action, instead of plain success."""
    before_answer: dict[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    """What happens while an action is under way."""
    seen: list[tuple[str, str, Any]] = field(default_factory=list)
    """Host, action and body of every call that arrived."""
    headers: list[httpx.Headers] = field(default_factory=list)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.host not in self.alive:
            raise httpx.ConnectError("Connection refused", request=request)
        action = request.url.path.removeprefix("/")
        self.seen.append((request.url.host, action, json.loads(request.content) if request.content else None))
        self.headers.append(request.headers)
        if action in self.before_answer:
            await self.before_answer[action]()
        answer = self.answers.get(action, {"code": 200, "msg": None})
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def bodies(self, action: str) -> list[Any]:
        return [body for _, seen, body in self.seen if seen == action]


class ConsoleParts:
    """A service over memory parts: executors `a` and `b` are registered and alive."""

    def __init__(self, *job_modules: str) -> None:
        self.clock = ManualClock()
        self.executors = FakeExecutors(alive={"a", "b"})
        self.runs = MemoryRunRepository()
        self.registry = ExecutorRegistry(self.clock)
        self.service = SchedulerService(
            runs=self.runs,
            executors=self.registry,
            client=ExecutorClient(lambda: "s3same", transport=httpx.MockTransport(self.executors)),
            jobs=JobCatalogue(job_modules),
            default_app_name=lambda: "demo-executor",
            clock=self.clock,
        )
        for address in ("http://a", "http://b"):
            self.service.register("demo-executor", address)


class _NobodyObserves:
    def applied(self, result: object) -> None: ...
    def resource_changed(self, name: str, missing: str | None) -> None: ...
    def failed(self, what: str, error: BaseException) -> None: ...


@asynccontextmanager
async def open_test_runtime(data_dir: Path, text: str = "{}\n", *, env: str = "local") -> AsyncIterator[Runtime]:
    """A runtime over a settings text, without resources."""
    environment: Environment = load_environment({"APP_ENV": env, "DATA_DIR": str(data_dir)})
    schema = Schema(PlaceholderSource({}, data_dir, None))
    live = LiveSettings(MemorySource(text), schema, (), _NobodyObserves())
    await live.start()
    try:
        nothing = cast("Any", None)
        yield Runtime(environment, "web-test-0", live, nothing, nothing, MemoryAlertSender())
    finally:
        await live.close()


def build_app(runtime: Runtime) -> FastAPI:
    """Both routers of the console; errors of the tree answered as the web process does."""
    app = FastAPI()
    app.state.runtime = runtime
    app.include_router(protocol_controller.router)
    app.include_router(controller.router)

    @app.exception_handler(AppError)
    async def answer(_: Request, error: AppError) -> JSONResponse:
        body = {"code": error.code, "message": error.message, "trace_id": "-", "details": error.details}
        return JSONResponse(body, error.status)

    return app


@asynccontextmanager
async def open_client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """The application as started: its lifespan runs, requests reach it in memory."""
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console") as client,
    ):
        yield client
