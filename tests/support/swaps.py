"""An application under uvicorn that is asked without a pause while its settings are swapped under it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import uvloop
from fastapi import APIRouter
from sqlalchemy import text

from app.alerts.memory import MemoryAlertSender
from app.bootstrap import Feature, open_runtime
from app.common.const import ProcessRole
from app.config.live import LiveSettings, settings, snapshot
from app.config.sources.memory import MemorySource
from app.edge import DbSession, RuntimeDep
from app.web.process import WebConfig, WebServer, bind
from app.web.server import create_app
from support.runtime import build_environment

CLIENTS = 8
PATHS = ("/settings", "/rows", "/settings", "/rows-in-a-thread")
READINGS = 4
PAUSE_SECONDS = 0.01
WHICH_CONNECTION = text("SELECT CONNECTION_ID()")

router = APIRouter()


@dataclass(frozen=True)
class Load:
    seconds: float
    swaps: int


@dataclass
class Report:
    """What the clients were answered."""

    statuses: list[int] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)
    revision: int = 0
    """Of the settings at the end."""


def read_number() -> set[int]:
    """The number of the document by every way to it: they agree if the snapshot is one."""
    current = settings()
    return {current.get("swap.left"), current.database.pool_size, snapshot().revision, settings().get("swap.right")}


@router.get("/settings")
async def read_settings(runtime: RuntimeDep) -> dict[str, Any]:
    seen = read_number()
    for _ in range(READINGS):
        await asyncio.sleep(PAUSE_SECONDS)
        seen |= read_number() | await asyncio.to_thread(read_number)
    return {"seen": sorted(seen), "newest": runtime.settings.state.snapshot.revision}


@router.get("/rows")
async def read_rows(runtime: RuntimeDep, session: DbSession) -> dict[str, Any]:
    seen, connections = read_number(), set()
    for _ in range(READINGS):
        connections.add((await session.execute(WHICH_CONNECTION)).scalar_one())
        await asyncio.sleep(PAUSE_SECONDS)
        seen |= read_number()
    return {
        "seen": sorted(seen),
        "newest": runtime.settings.state.snapshot.revision,
        "connections": sorted(connections),
    }


@router.get("/rows-in-a-thread")
def read_rows_in_a_thread(runtime: RuntimeDep) -> dict[str, Any]:
    seen = read_number()
    with runtime.db.sync_transaction() as session:
        connections = {session.execute(WHICH_CONNECTION).scalar_one() for _ in range(READINGS)}
    return {
        "seen": sorted(seen | read_number()),
        "newest": runtime.settings.state.snapshot.revision,
        "connections": sorted(connections),
    }


def document(number: int, database: Mapping[str, object]) -> str:
    """The settings whose every value that is read is `number`."""
    section = "".join(f"  {key}: {value}\n" for key, value in database.items())
    return (
        "server: {port: 0}\nlog: {console: false}\n"
        f"swap: {{left: {number}, right: {number}}}\n"
        f"database:\n  pool_size: {number}\n{section}"
    )


def swap_under_load(load: Load, database: Mapping[str, object], folder: Path) -> Report:
    """Asks for `load.seconds`, during which the settings are swapped `load.swaps` times."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_swap_under_load(load, database, folder))


async def _swap_under_load(load: Load, database: Mapping[str, object], folder: Path) -> Report:
    source, alerts, report = MemorySource(document(1, database)), MemoryAlertSender(), Report()
    environment = build_environment(folder)
    overrides = {"source": source, "alerts": alerts}
    async with open_runtime(ProcessRole.WEB, overrides, environment=environment) as runtime:
        app = create_app(runtime, features=(Feature("swaps", routers=("support.swaps:router",)),))
        listener = bind(environment, settings().server)
        async with _served(WebServer(WebConfig(app)), listener):
            url = "http://{}:{}".format(*listener.getsockname())
            done = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                for _ in range(CLIENTS):
                    group.create_task(_ask(url, report, done))
                await _swap(source, runtime.settings, load, database)
                done.set()
        report.revision = runtime.settings.state.snapshot.revision
        report.alerts = [event.summary for event in alerts.raised]
    return report


@asynccontextmanager
async def _served(server: WebServer, listener: Any) -> AsyncIterator[None]:
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        async with asyncio.timeout(10):
            while not server.started:
                await asyncio.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        await serving


async def _ask(url: str, report: Report, done: asyncio.Event) -> None:
    """One keep-alive connection."""
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
    async with httpx.AsyncClient(base_url=url, limits=limits, trust_env=False, timeout=10) as client:
        for path in cycle(PATHS):
            answer = await client.get(path)
            report.statuses.append(answer.status_code)
            report.bodies.append(answer.json())
            if done.is_set():
                return


async def _swap(source: MemorySource, live: LiveSettings, load: Load, database: Mapping[str, object]) -> None:
    for swap in range(1, load.swaps + 1):
        await asyncio.sleep(load.seconds / load.swaps)
        source.publish(document(swap + 1, database))
        async with asyncio.timeout(10):
            while live.state.snapshot.revision != swap + 1:
                await asyncio.sleep(0.001)
