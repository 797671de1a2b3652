"""What the chassis is compared with: the same route on FastAPI alone, and with the usual middleware and log.

`uvicorn bench.baselines:bare`; `uvicorn bench.baselines:usual` writes its access lines to the file BENCH_LOG.
"""

import os
import socket
import time
import uuid
from contextvars import ContextVar
from datetime import UTC, datetime

from fastapi import FastAPI, Request, Response
from loguru import logger
from pydantic import BaseModel
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint

_trace_id: ContextVar[str] = ContextVar("trace_id", default="-")


class Hello(BaseModel):
    """The answer of the demo's route."""

    msg: str
    time: datetime
    host: str


async def hello_world() -> Hello:
    """The same work as the demo's route."""
    return Hello(msg="Hello world", time=datetime.now(UTC), host=_HOST)


async def trace_and_log(request: Request, call_next: RequestResponseEndpoint) -> Response:
    """The middleware that most FastAPI projects have."""
    started = time.perf_counter()
    trace_id = request.headers.get("X-Trace-Id") or uuid.uuid4().hex
    token = _trace_id.set(trace_id)
    try:
        response = await call_next(request)
        response.headers["X-Trace-Id"] = trace_id
        logger.bind(trace_id=trace_id).info(
            "{} {} {} {:.1f} ms {}",
            request.method,
            request.url.path,
            response.status_code,
            (time.perf_counter() - started) * 1000,
            request.client.host if request.client else "-",
        )
        return response
    finally:
        _trace_id.reset(token)


def _build() -> FastAPI:
    app = FastAPI()
    app.get("/demo/hello/world")(hello_world)
    return app


def _build_usual() -> FastAPI:
    app = _build()
    if path := os.environ.get("BENCH_LOG"):
        logger.remove()
        logger.add(
            path,
            enqueue=True,
            rotation="00:00",
            format="[{time:YYYY-MM-DD HH:mm:ss.SSS}] [{level}] [{extra[trace_id]}] [{thread.name}] "
            "[{module}:{function}:{line}] {message}",
        )
    app.add_middleware(BaseHTTPMiddleware, dispatch=trace_and_log)
    return app


_HOST = socket.gethostname()
bare = _build()
usual = _build_usual()
