"""The web process: `python -m app.web.server`, or `uvicorn app.web.server:create_app --factory`."""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.types import ASGIApp

from app.bootstrap import FEATURES, Feature, job_packages, open_runtime
from app.common.const import ProcessRole
from app.common.logger import log
from app.common.references import load_reference
from app.config.trace_.trace_id_config import RequestMiddleware
from app.runtime import Runtime
from app.web import docs, health
from app.web.draining import ended_with_parent, noticed_signals
from app.web.errors import add_error_handlers, report_failure
from app.web.process import run_process
from app.web.routing import SegmentRouter, add_router

NO_TELEMETRY: Final[TelemetryConfig] = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""FastAPI's own: it would look for providers at every request, and export exceptions' texts."""


class WebApp(FastAPI):
    """FastAPI with the request middleware outside of everything."""

    def build_middleware_stack(self) -> ASGIApp:
        stack = super().build_middleware_stack()
        if isinstance(stack, ServerErrorMiddleware) and stack.handler is None:
            stack = stack.app  # the request middleware answers what is left, and says more
        return RequestMiddleware(stack, self._report_failure)

    def _report_failure(self, error: Exception, method: str, route: str) -> None:
        report_failure(getattr(self.state, "runtime", None), error, method, route)


def create_app(runtime: Runtime | None = None, *, features: Sequence[Feature] = FEATURES) -> FastAPI:
    """The application. Reads no settings and does no I/O; without a runtime, its lifespan opens one where it serves."""
    app = WebApp(title="Tenon", openapi_url=None, lifespan=_serve_with_runtime, telemetry=NO_TELEMETRY)
    app.state.is_draining = False
    if runtime is not None:
        app.state.runtime = runtime
    app.router.middleware_stack = SegmentRouter(app.router)
    add_error_handlers(app)
    for feature in features:
        for reference in feature.routers:
            add_router(app, load_reference(reference))
    add_router(app, health.router)
    add_router(app, docs.router)
    return app


@asynccontextmanager
async def _serve_with_runtime(app: FastAPI) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        if getattr(app.state, "runtime", None) is None:
            app.state.runtime = await stack.enter_async_context(open_runtime(ProcessRole.WEB))
        runtime: Runtime = app.state.runtime
        app.state.job_modules = job_packages(runtime.settings.state.snapshot.settings)
        stack.enter_context(noticed_signals(app.state))
        stack.enter_context(ended_with_parent())
        log.bind(instance=runtime.instance).info("web is ready")
        yield
        app.state.is_draining = True


def main() -> int:
    """Runs the process until it is told to stop, and returns its exit code."""
    return run_process(create_app)


if __name__ == "__main__":
    sys.exit(main())
