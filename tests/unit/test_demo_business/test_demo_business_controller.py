from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI

from app.common.context import bound
from app.demo_business.controller import router
from app.runtime import Runtime


@pytest.fixture
async def client(runtime: Runtime) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.state.runtime = runtime
    app.include_router(router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://demo") as client:
        yield client


async def test_hello_world_answers_message_time_and_host(client: httpx.AsyncClient, runtime: Runtime) -> None:
    answer = (await client.get("/demo/hello/world")).json()

    assert (answer["msg"], answer["host"]) == ("Welcome world", runtime.environment.host)
    assert datetime.fromisoformat(answer["time"]).utcoffset() == timedelta(0)


async def test_a_greeting_is_created_and_answered_as_it_is_kept(client: httpx.AsyncClient) -> None:
    with bound("trace-of-request"):
        created = await client.post("/demo/greetings", json={"name": " Ada "})

    assert created.status_code == 201
    assert created.json() | {"created_at": "-"} == {
        "id": 1,
        "name": "Ada",
        "text": "Welcome Ada",
        "echoed_by": "echo-host",
        "trace_id": "trace-of-request",
        "created_at": "-",
    }
    assert (await client.get("/demo/greetings")).json() == [created.json()]


async def test_a_list_ends_where_the_caller_says(client: httpx.AsyncClient) -> None:
    for name in ("Ada", "Grace"):
        await client.post("/demo/greetings", json={"name": name})

    found = (await client.get("/demo/greetings", params={"limit": 1})).json()

    assert [greeting["name"] for greeting in found] == ["Grace"]


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "  "}, {"name": "x" * 101}, {"name": 7}])
async def test_a_name_that_cannot_be_greeted_is_refused(client: httpx.AsyncClient, body: dict[str, object]) -> None:
    assert (await client.post("/demo/greetings", json=body)).status_code == 422


@pytest.mark.parametrize("limit", ["0", "101", "many"])
async def test_a_limit_out_of_range_is_refused(client: httpx.AsyncClient, limit: str) -> None:
    assert (await client.get("/demo/greetings", params={"limit": limit})).status_code == 422
