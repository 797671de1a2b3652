"""What routers open with the application."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import APIRouter, FastAPI

from app.web.routing import add_router


async def test_the_lifespans_of_routers_run_inside_that_of_the_application() -> None:
    events: list[str] = []

    def lifespan_of(name: str) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            events.append(f"{name} opens")
            yield
            events.append(f"{name} closes")

        return lifespan

    app = FastAPI(lifespan=lifespan_of("application"))
    add_router(app, APIRouter(lifespan=lifespan_of("first")))
    add_router(app, APIRouter())
    add_router(app, APIRouter(lifespan=lifespan_of("second")))

    async with app.router.lifespan_context(app):
        events.append("serves")

    assert events == [
        "application opens",
        "first opens",
        "second opens",
        "serves",
        "second closes",
        "first closes",
        "application closes",
    ]
