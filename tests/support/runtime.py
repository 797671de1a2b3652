"""A runtime built by hand from memory twins, and a client that talks to an application in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from fastapi import FastAPI

from app.alerts.memory import MemoryAlertSender
from app.config.db.database import Database
from app.config.environment import Environment
from app.config.http_client import HttpClient
from app.runtime import Runtime
from support.settings import Desk, build_desk


@dataclass
class Bench:
    """A runtime with the twins inside it within reach."""

    runtime: Runtime
    desk: Desk
    alerts: MemoryAlertSender


def build_environment(folder: Path, name: str = "local") -> Environment:
    return Environment(
        name=name,
        config_dir=folder,
        data_dir=folder / "data",
        log_path=folder / "log",
        xxl_log_path=folder / "xxl_log",
        secrets_dir=folder / "secrets",
        host="testhost",
    )


@asynccontextmanager
async def opened_bench(
    folder: Path, text: str = "{}\n", *, environment: str = "local", http: HttpClient | None = None
) -> AsyncIterator[Bench]:
    """Settings from `text`, one `database` resource that obeys the test, alerts kept in memory, no server anywhere."""
    desk = build_desk(text)
    await desk.live.start()
    alerts = MemoryAlertSender()
    client = http or HttpClient()
    place = build_environment(folder, environment)
    try:
        yield Bench(Runtime(place, "web-testhost-0", desk.live, Database(desk.live), client, alerts), desk, alerts)
    finally:
        await client.close()
        await desk.live.close()


@asynccontextmanager
async def client_of(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Talks to the application without a server; its lifespan is not run. An escaping exception is the test's."""
    transport = httpx.ASGITransport(app=app, client=("192.0.2.7", 50000))
    async with httpx.AsyncClient(transport=transport, base_url="http://service.test") as client:
        yield client
