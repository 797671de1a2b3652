"""Health: one word for everybody, the reasons for who has the operations token."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.common.errors import AppError
from app.config.resource import Refused
from app.config.tokens import ops_token
from app.web.server import create_app
from support.runtime import Bench, client_of, opened_bench


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with opened_bench(tmp_path) as opened:
        yield opened


def authorised(bench: Bench) -> dict[str, str]:
    token = ops_token(bench.runtime.environment, bench.runtime.settings.state.snapshot.settings)
    return {"Authorization": f"Bearer {token}"}


async def lose_the_database(bench: Bench) -> None:
    bench.desk.resource.refuse = Refused("no route to db.internal", transient=True)
    bench.desk.live.missing["database"] = "no route to db.internal"


@pytest.mark.parametrize("path", ["/health", "/health/ready", "/health/live"])
async def test_a_healthy_process_says_up_and_nothing_else(bench: Bench, path: str) -> None:
    async with client_of(create_app(bench.runtime, features=())) as client:
        response = await client.get(path)
    assert (response.status_code, response.json()) == (200, {"status": "UP"})


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
async def test_a_missing_resource_takes_the_process_out_without_saying_which(bench: Bench, path: str) -> None:
    await lose_the_database(bench)
    async with client_of(create_app(bench.runtime, features=())) as client:
        response = await client.get(path)
    assert (response.status_code, response.json()) == (503, {"status": "DOWN"})


async def test_the_process_is_alive_though_a_resource_is_missing(bench: Bench) -> None:
    await lose_the_database(bench)
    async with client_of(create_app(bench.runtime, features=())) as client:
        assert (await client.get("/health/live")).status_code == 200


async def test_a_draining_process_is_not_ready(bench: Bench) -> None:
    app = create_app(bench.runtime, features=())
    app.state.is_draining = True
    async with client_of(app) as client:
        ready, live = await client.get("/health/ready"), await client.get("/health/live")
    assert (ready.status_code, ready.json(), live.status_code) == (503, {"status": "DOWN"}, 200)


async def test_the_operations_token_shows_every_resource_the_settings_and_the_instance(bench: Bench) -> None:
    await lose_the_database(bench)
    snapshot = bench.runtime.settings.state.snapshot
    async with client_of(create_app(bench.runtime, features=())) as client:
        body = (await client.get("/health/ready", headers=authorised(bench))).json()
    assert body["status"] == "DOWN"
    assert body["instance"] == "web-testhost-0"
    assert body["draining"] is False
    assert body["resources"] == {"database": {"up": False, "reason": "no route to db.internal", "details": {}}}
    assert (body["settings"]["md5"], body["settings"]["revision"]) == (snapshot.md5, 1)
    assert body["settings"]["age_seconds"] >= 0


async def test_a_wrong_token_shows_no_more_than_none(bench: Bench) -> None:
    async with client_of(create_app(bench.runtime, features=())) as client:
        response = await client.get("/health/ready", headers={"Authorization": "Bearer wrong"})
    assert response.json() == {"status": "UP"}


async def test_health_asks_what_is_registered(bench: Bench) -> None:
    async def refuse_to_answer() -> None:
        raise AppError("must not be asked")

    bench.desk.resource.name = "search"
    async with client_of(create_app(bench.runtime, features=())) as client:
        body: httpx.Response = await client.get("/health/ready", headers=authorised(bench))
    assert list(body.json()["resources"]) == ["search"]
