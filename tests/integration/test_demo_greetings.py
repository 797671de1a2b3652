"""The demo as it is used: over HTTP, asking itself for the echo, on a real database."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from app.alerts.memory import MemoryAlertSender
from app.bootstrap import open_runtime
from app.common.const import ProcessRole
from app.config.environment import load_environment
from app.config.sources.memory import MemorySource
from app.config.trace_.trace_id_config import RequestMiddleware
from app.demo_business.controller import router
from servers.mariadb import MariaDb


@pytest.fixture
async def client(tmp_path: Path, mariadb_server: MariaDb) -> AsyncIterator[httpx.AsyncClient]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        document = {
            "server": {"port": port},
            "database": mariadb_server.section | {"echo": True},
            "demo": {"greeting": "Welcome"},
        }
        parts = {"source": MemorySource(json.dumps(document)), "alerts": MemoryAlertSender()}
        environment = load_environment({"DATA_DIR": str(tmp_path / "data"), "LOG_PATH": str(tmp_path / "log")})
        async with open_runtime(ProcessRole.WEB, parts, environment=environment) as runtime:
            app = FastAPI()
            app.state.runtime = runtime
            app.include_router(router)
            served = RequestMiddleware(app, lambda error, method, route: None)
            server = uvicorn.Server(uvicorn.Config(served, log_config=None, access_log=False, lifespan="off"))
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
                yield client
            server.should_exit = True
            await serving
    mariadb_server.execute("DROP TABLE demo_greeting")


async def test_a_greeting_goes_out_comes_back_and_is_kept_under_one_trace(
    client: httpx.AsyncClient, mariadb_server: MariaDb
) -> None:
    created = await client.post("/demo/greetings", json={"name": "小明"}, headers={"X-Trace-Id": "trace-of-caller"})

    assert created.status_code == 201, created.text
    assert created.json()["text"] == "Welcome 小明"
    assert created.json()["echoed_by"] == socket.gethostname()
    assert (await client.get("/demo/greetings")).json() == [created.json()]
    assert mariadb_server.execute("SELECT name, trace_id FROM demo_greeting") == [("小明", "trace-of-caller")]


async def test_one_grep_finds_all_that_a_request_caused(client: httpx.AsyncClient, tmp_path: Path) -> None:
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    await client.post("/demo/greetings", json={"name": "Ada"}, headers={"X-Trace-Id": trace_id})

    caused = (
        "request served method=GET route=/demo/hello/world",
        "outgoing call answered method=GET",
        'statement sql="INSERT INTO demo_greeting',
        "greeting kept",
        "request served method=POST route=/demo/greetings",
    )
    async with asyncio.timeout(10):
        while not all(part in grep(tmp_path / "log", f"[{trace_id}]") for part in caused):
            await asyncio.sleep(0.01)
    assert "Ada" not in grep(tmp_path / "log", trace_id)


def grep(folder: Path, needle: str) -> str:
    return "\n".join(line for file in folder.rglob("*.log") for line in file.read_text().splitlines() if needle in line)
