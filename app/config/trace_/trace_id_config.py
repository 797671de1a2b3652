"""The one middleware around everything: trace id, pinned snapshot, both headers, access line, metrics, last resort."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Final

from app.common import access_log
from app.common.context import pinned_snapshot_var, trace_id_var
from app.common.errors import AppError, Unavailable
from app.common.logger import log
from app.common.metrics import REQUEST_SECONDS, REQUESTS, REQUESTS_IN_FLIGHT
from app.config.snapshot import current
from app.config.trace_.exchange import (
    ASGIApp,
    Exchange,
    Message,
    Receive,
    Scope,
    Send,
    identify,
    route_template,
    with_headers,
)

CLIENT_LEFT: Final = 499
"""What an access line says of a request whose client left before the answer was complete, as nginx does."""
_STATUS_CLASSES: Final = tuple(f"{hundreds}xx" for hundreds in range(10))
_WEBSOCKET_ACCEPTED: Final = 101
_WEBSOCKET_REFUSED: Final = 403
_WEBSOCKET_FAILED: Final = 1011

OnFailure = Callable[[Exception, str, str], None]
"""Told of every unhandled exception with method and route template, inside the request's context. Must not raise."""


class _InFlight:
    """How many requests the process is answering: counted on the loop, read by whoever looks at the gauge."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


_in_flight: Final = _InFlight()
REQUESTS_IN_FLIGHT.read_from(lambda: _in_flight.count)


class RequestMiddleware:
    """Pure ASGI; nothing may stand outside of it. An unhandled exception ends here, not in the server."""

    def __init__(self, app: ASGIApp, on_failure: OnFailure) -> None:
        self.app = app
        self._on_failure = on_failure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._serve_websocket(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        trace_id, ours, w3c_trace_id = identify(scope["headers"])
        exchange = Exchange(receive, send, ours)
        state = current.state
        trace_token = trace_id_var.set(trace_id)
        pin_token = pinned_snapshot_var.set(None if state is None else state.snapshot)
        _in_flight.count += 1
        try:
            if w3c_trace_id is not None:
                _show_both_ids(w3c_trace_id)
            await self.app(scope, exchange.receive, exchange.send)
        except asyncio.CancelledError:
            await _answer(exchange, trace_id, Unavailable("the process is shutting down"))
            raise
        except Exception as error:  # noqa: BLE001 - the last resort of every request: reported and answered
            self._on_failure(error, scope["method"], route_template(scope))
            await _answer(exchange, trace_id, AppError())
        finally:
            _in_flight.count -= 1
            status = CLIENT_LEFT if exchange.is_aborted else exchange.status or AppError.status
            _conclude(scope, scope["method"], status, started, trace_id)
            pinned_snapshot_var.reset(pin_token)
            trace_id_var.reset(trace_token)

    async def _serve_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As for a request; a connection is not pinned: it may live for hours."""
        started = time.perf_counter()
        trace_id, ours, w3c_trace_id = identify(scope["headers"])
        status = _WEBSOCKET_REFUSED

        async def send_with_trace(message: Message) -> None:
            nonlocal status
            if message["type"] == "websocket.accept":
                status = _WEBSOCKET_ACCEPTED
                message = with_headers(message, ours)
            elif message["type"] == "websocket.http.response.start":
                status = message["status"]
                message = with_headers(message, ours)
            await send(message)

        trace_token = trace_id_var.set(trace_id)
        try:
            if w3c_trace_id is not None:
                _show_both_ids(w3c_trace_id)
            await self.app(scope, receive, send_with_trace)
        except Exception as error:  # noqa: BLE001 - the last resort of every connection: reported and closed
            self._on_failure(error, "WEBSOCKET", route_template(scope))
            status = AppError.status
            await send({"type": "websocket.close", "code": _WEBSOCKET_FAILED})
        finally:
            _conclude(scope, "WEBSOCKET", status, started, trace_id)
            trace_id_var.reset(trace_token)


def _show_both_ids(w3c_trace_id: str) -> None:
    """Where the two ids differ, the first line of the request carries both: whoever has one finds the other."""
    log.bind(w3c_trace_id=w3c_trace_id).info("request received")


async def _answer(exchange: Exchange, trace_id: str, error: AppError) -> None:
    """Sends the error, if nothing was sent yet. The text says nothing about what happened."""
    if exchange.status:
        if not exchange.is_complete:
            exchange.status = error.status
        return
    content = {"code": error.code, "message": error.message, "trace_id": trace_id, "details": {}}
    body = json.dumps(content, separators=(",", ":")).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await exchange.send({"type": "http.response.start", "status": error.status, "headers": headers})
    await exchange.send({"type": "http.response.body", "body": body})


def _conclude(scope: Scope, method: str, status: int, started: float, trace_id: str) -> None:
    """The access line and the metrics: once for every request, whatever became of it."""
    seconds = time.perf_counter() - started
    route = route_template(scope)
    client = scope.get("client")
    access_log.current.log.write(
        method=method,
        route=route,
        status=status,
        duration_ms=seconds * 1000,
        client=client[0] if client else "-",
        trace_id=trace_id,
    )
    REQUESTS.inc_series((route, method, _STATUS_CLASSES[status // 100]))
    REQUEST_SECONDS.observe_series((route, method), seconds)
