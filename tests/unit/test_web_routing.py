"""The index over first segments finds what the framework would find, and leaves the rest to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fastapi import APIRouter, Depends, FastAPI
from starlette.responses import PlainTextResponse

from app.common.errors import AuthenticationError
from app.web.routing import SegmentRouter, add_router
from support.asgi import http_call


def build(*, indexed: bool) -> FastAPI:
    app = FastAPI(openapi_url=None)
    if indexed:
        app.router.middleware_stack = SegmentRouter(app.router)

    def answer(text: str) -> object:
        async def endpoint() -> PlainTextResponse:
            return PlainTextResponse(text)

        return endpoint

    for method, path in [
        ("GET", "/"),
        ("GET", "/orders/latest"),
        ("GET", "/orders/{order_id}"),
        ("DELETE", "/orders/{order_id}"),
        ("GET", "/{tenant}/orders"),
        ("GET", "/orders/{order_id}/lines"),
        ("POST", "/slash/"),
        ("GET", "/files/{rest:path}"),
        ("GET", "/item-{number}"),
    ]:
        app.add_api_route(path, answer(f"{method} {path}"), methods=[method])  # type: ignore[arg-type]
    included = APIRouter()
    included.add_api_route("/included", answer("included"))  # type: ignore[arg-type]
    app.include_router(included, prefix="/v1")
    app.mount("/mounted", PlainTextResponse("mounted"))
    return app


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/orders/latest"),
        ("GET", "/orders/17"),
        ("DELETE", "/orders/latest"),
        ("PUT", "/orders/17"),
        ("GET", "/orders/orders"),
        ("GET", "/anna/orders"),
        ("GET", "/orders/17/lines"),
        ("GET", "/orders/17/lines/"),
        ("POST", "/slash"),
        ("POST", "/slash/"),
        ("GET", "/files/a/b/c"),
        ("GET", "/item-7"),
        ("GET", "/v1/included"),
        ("GET", "/mounted/anything"),
        ("HEAD", "/orders/17"),
        ("GET", "/nowhere"),
        ("OPTIONS", "*"),
    ],
)
async def test_the_index_answers_what_the_framework_answers(method: str, path: str) -> None:
    with_index, without = http_call(path, method=method), http_call(path, method=method)
    await with_index.run(build(indexed=True))
    await without.run(build(indexed=False))
    assert with_index.sent == without.sent


async def test_a_path_below_a_root_path_is_found() -> None:
    call = http_call("/proxy/orders/17", root_path="/proxy")
    await call.run(build(indexed=True))
    assert call.sent[1]["body"] == b"GET /orders/{order_id}"


async def test_a_route_that_is_added_later_is_found() -> None:
    app = build(indexed=True)
    await http_call("/orders/17").run(app)
    app.add_api_route("/late", lambda: PlainTextResponse("late"))
    call = http_call("/late")
    await call.run(app)
    assert call.sent[1]["body"] == b"late"


async def test_the_lifespan_of_an_added_router_runs_inside_the_application_s() -> None:
    order: list[str] = []

    @asynccontextmanager
    async def note(name: str) -> AsyncIterator[None]:
        order.append(f"{name} opens")
        yield
        order.append(f"{name} closes")

    app = FastAPI(openapi_url=None, lifespan=lambda _app: note("application"))
    add_router(app, APIRouter(lifespan=lambda _app: note("router")))
    async with app.router.lifespan_context(app):
        order.append("serves")
    assert order == ["application opens", "router opens", "serves", "router closes", "application closes"]


async def test_an_added_router_keeps_its_prefix_and_its_dependencies() -> None:
    async def refuse() -> None:
        raise AuthenticationError("refused")

    router = APIRouter(prefix="/ops", dependencies=[Depends(refuse)])
    router.add_api_route("/status", lambda: "never")
    app = FastAPI(openapi_url=None)
    app.router.middleware_stack = SegmentRouter(app.router)
    add_router(app, router)
    with pytest.raises(AuthenticationError, match="refused"):
        await http_call("/ops/status").run(app)
