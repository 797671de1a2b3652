"""What controllers take at the edge of a request."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import httpx
import pytest
from fastapi import Depends, FastAPI
from sqlalchemy import text

from app.alerts.memory import MemoryAlertSender
from app.bootstrap import open_runtime
from app.common.const import ProcessRole
from app.config.environment import load_environment
from app.config.sources.memory import MemorySource
from app.edge import DbSession, RuntimeDep, has_ops_token, require_ops_token
from app.web.server import create_app
from support.runtime import client_of

TOKEN = "the-operations-token"


def build_app(app: FastAPI) -> FastAPI:
    @app.get("/rows")
    async def add_row(session: DbSession, fail: bool = False) -> int:
        await session.execute(text("INSERT INTO kept (name) VALUES ('row')"))
        if fail:
            raise RuntimeError("after the insert")
        return (await session.execute(text("SELECT COUNT(*) FROM kept"))).scalar_one()

    @app.get("/secret", dependencies=[Depends(require_ops_token)])
    async def secret(runtime: RuntimeDep) -> str:
        return runtime.instance

    @app.get("/seen")
    async def seen(known: Annotated[bool, Depends(has_ops_token)]) -> bool:
        return known

    return app


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    places = {name: str(tmp_path / name.lower()) for name in ("DATA_DIR", "LOG_PATH", "XXL_LOG_PATH")}
    overrides = {"source": MemorySource(f"server: {{ops_token: {TOKEN}}}\n"), "alerts": MemoryAlertSender()}
    environment = load_environment({"APP_ENV": "prod", **places})
    async with open_runtime(ProcessRole.WEB, overrides, environment=environment) as runtime:
        async with runtime.db.transaction() as session:
            await session.execute(text("CREATE TABLE kept (name TEXT)"))
        async with client_of(build_app(create_app(runtime))) as client:
            yield client


async def test_a_request_s_transaction_is_committed_before_the_answer(client: httpx.AsyncClient) -> None:
    assert [(await client.get("/rows")).json() for _ in range(2)] == [1, 2]


async def test_a_failing_request_leaves_nothing_behind(client: httpx.AsyncClient) -> None:
    assert (await client.get("/rows?fail=true")).status_code == 500
    assert (await client.get("/rows")).json() == 1


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer {TOKEN}", 200),
        (f"Bearer {TOKEN}x", 401),
        (f"Basic {TOKEN}", 401),
        (TOKEN, 401),
        ("Bearer", 401),
        ("", 401),
        ("Bearer \xe4\xf6", 401),
    ],
)
async def test_only_the_operations_token_opens(client: httpx.AsyncClient, header: str, status: int) -> None:
    answer = await client.get("/secret", headers={"Authorization": header.encode("latin-1")})
    seen = await client.get("/seen", headers={"Authorization": header.encode("latin-1")})
    assert answer.status_code == status
    assert seen.json() is (status == 200)
