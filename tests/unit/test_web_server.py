"""The application as a whole: headers on every kind of answer, one snapshot a request, routes from the registry."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter
from starlette.responses import StreamingResponse

from app.bootstrap import Feature
from app.common.context import get_trace_id
from app.config.live import settings
from app.web.server import create_app
from support.asgi import heard_access_lines
from support.runtime import Bench, client_of, opened_bench

HEX = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{HEX}-b7ad6b7169203331-01"

router = APIRouter(prefix="/things")


@router.get("/trace")
async def say_trace() -> str:
    return get_trace_id()


@router.get("/trace-in-a-thread")
def say_trace_in_a_thread() -> str:
    return get_trace_id()


@router.get("/numbers/{number}")
async def get_number(number: int) -> int:
    return number


@router.get("/stream")
async def stream() -> StreamingResponse:
    async def chunks() -> AsyncIterator[str]:
        yield get_trace_id()

    return StreamingResponse(chunks())


@router.get("/failure")
async def fail() -> None:
    raise ValueError("the password is hunter2")


FEATURES = (Feature("things", routers=(f"{__name__}:router",)),)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with opened_bench(tmp_path, "orders: {limit: 5}\n") as opened:
        yield opened


@pytest.fixture
async def client(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setattr("app.web.server.load_reference", {f"{__name__}:router": router}.__getitem__)
    async with client_of(create_app(bench.runtime, features=FEATURES)) as opened:
        yield opened


KINDS = [
    ("GET", "/things/trace", 200),
    ("GET", "/things/trace-in-a-thread", 200),
    ("GET", "/things/stream", 200),
    ("GET", "/things/numbers/x", 422),
    ("GET", "/things/trace/", 307),
    ("GET", "/things/failure", 500),
    ("POST", "/things/trace", 405),
    ("GET", "/nowhere", 404),
    ("GET", "/nacos/getConfig", 404),
    ("GET", "/docs", 200),
    ("GET", "/openapi.json", 200),
    ("GET", "/docs/assets/swagger-ui.css", 200),
    ("GET", "/health/ready", 200),
]


@pytest.mark.parametrize(("method", "path", "status"), KINDS)
async def test_both_headers_are_on_every_answer(client: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    response = await client.request(method, path, headers={"X-Trace-Id": "order-42"})
    assert response.status_code == status
    assert response.headers.get_list("x-trace-id") == ["order-42"]
    assert len(response.headers.get_list("traceparent")) == 1
    assert re.fullmatch(r"00-4f416b0c12aa8c754209da955fb755cc-[0-9a-f]{16}-01", response.headers["traceparent"])


@pytest.mark.parametrize(("method", "path", "status"), KINDS)
@pytest.mark.parametrize("given", ["two words", "x" * 65, "<script>"])
async def test_an_invalid_id_is_replaced_and_never_echoed(
    client: httpx.AsyncClient, given: str, method: str, path: str, status: int
) -> None:
    response = await client.request(method, path, headers={"X-Trace-Id": given})
    assert response.status_code == status
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["x-trace-id"])
    if not path.startswith("/docs"):
        assert given not in response.text


async def test_the_traceparent_takes_precedence(client: httpx.AsyncClient) -> None:
    response = await client.get("/things/trace", headers={"traceparent": TRACEPARENT, "X-Trace-Id": "order-42"})
    assert (response.json(), response.headers["x-trace-id"]) == (HEX, HEX)


@pytest.mark.parametrize("path", ["/things/trace", "/things/trace-in-a-thread", "/things/stream"])
async def test_endpoints_of_every_kind_see_the_trace(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path, headers={"X-Trace-Id": HEX})).text.strip('"') == HEX


async def test_the_text_of_an_unknown_error_reaches_nobody_outside(client: httpx.AsyncClient, bench: Bench) -> None:
    response = await client.get("/things/failure")
    assert "hunter2" not in response.text
    assert len(bench.alerts.raised) == 1
    assert bench.alerts.raised[0].labels["route"] == "/things/failure"


async def test_a_request_sees_one_revision_though_the_settings_are_swapped_meanwhile(bench: Bench) -> None:
    app = create_app(bench.runtime, features=())

    @app.get("/twice")
    async def look_twice() -> list[int]:
        before = settings().get("orders.limit")
        await bench.desk.apply("orders: {limit: 6}\n")
        return [before, settings().get("orders.limit"), bench.runtime.settings.state.snapshot.revision]

    async with client_of(app) as client:
        assert (await client.get("/twice")).json() == [5, 5, 2]
        assert (await client.get("/twice")).json() == [6, 6, 2]


async def test_the_access_line_names_the_route_and_not_the_path(client: httpx.AsyncClient) -> None:
    with heard_access_lines() as lines:
        await client.get("/things/numbers/17?token=s3cr3t")
    assert "method=GET route=/things/numbers/{number} status=200" in lines[0]
    assert "17" not in lines[0].split("route=")[1].split(" status")[0]
    assert "s3cr3t" not in lines[0]


async def test_an_exception_handler_of_a_fork_for_everything_is_asked_before_the_last_resort(bench: Bench) -> None:
    app = create_app(bench.runtime, features=())

    @app.exception_handler(Exception)
    async def answer(_request: object, _error: Exception) -> StreamingResponse:
        return StreamingResponse(iter(["sorry"]), status_code=500)

    app.get("/fail")(fail)
    async with client_of(app) as client:
        response = await client.get("/fail")
    assert (response.status_code, response.text) == (500, "sorry")
    assert "x-trace-id" in response.headers
    assert len(bench.alerts.raised) == 1


def test_the_application_is_made_without_settings_files_or_a_running_loop(tmp_path: Path) -> None:
    assert {"/health", "/health/live", "/health/ready", "/docs", "/redoc", "/openapi.json"} <= {
        getattr(route, "path", "") for route in create_app(features=()).routes
    }


async def test_the_lifespan_keeps_the_runtime_it_is_given_and_ends_draining(bench: Bench) -> None:
    app = create_app(bench.runtime, features=())
    async with app.router.lifespan_context(app):
        assert app.state.runtime is bench.runtime
        assert app.state.is_draining is False
    assert app.state.is_draining is True
