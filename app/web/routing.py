"""Finds a request's route without asking every route of the application, as FastAPI would."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send


def add_router(app: FastAPI, router: APIRouter) -> None:
    """Takes over a router's lifespan, and its routes as they are: with the router's own prefix, tags and dependencies.

    `include_router` would wrap the routes, and match each request twice.
    """
    app.router.routes.extend(router.routes)
    outer, inner = app.router.lifespan_context, router.lifespan_context

    @asynccontextmanager
    async def nested(served: FastAPI) -> AsyncIterator[None]:
        async with outer(served), inner(served):
            yield

    app.router.lifespan_context = nested


class SegmentRouter:
    """Asks only the routes that share the path's first segment, in their order.

    What it doesn't find is the framework's: 404, 405, redirects, mounts, and any request below a root path.
    """

    def __init__(self, router: APIRouter) -> None:
        self._router = router
        self._indexed = 0
        self._by_segment: dict[str, list[BaseRoute]] = {}
        self._for_any: list[BaseRoute] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope.get("root_path"):
            if len(self._router.routes) != self._indexed:
                self._index()
            segment = scope["path"][1:].partition("/")[0]
            for route in self._by_segment.get(segment, self._for_any):
                match, child_scope = route.matches(scope)
                if match is Match.FULL and isinstance(route, APIRoute):
                    scope["router"] = self._router
                    scope.update(child_scope)
                    await route.handle(scope, receive, send)
                    return
                if match is not Match.NONE:
                    break
        await self._router.app(scope, receive, send)

    def _index(self) -> None:
        routes = self._router.routes
        segments = {segment for route in routes if (segment := _first_segment(route)) is not None}
        self._by_segment = {
            segment: [route for route in routes if _first_segment(route) in {segment, None}] for segment in segments
        }
        self._for_any = [route for route in routes if _first_segment(route) is None]
        self._indexed = len(routes)


def _first_segment(route: BaseRoute) -> str | None:
    """The literal first segment of the route's paths, or None where it may be any."""
    if not isinstance(route, APIRoute):
        return None
    segment = route.path_format[1:].partition("/")[0]
    return None if "{" in segment else segment
