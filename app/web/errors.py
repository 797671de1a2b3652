"""Every error answer has one shape, `{code, message, trace_id, details}`: the error tree's and the framework's."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from app.alerts.base import AlertEvent
from app.common import errors
from app.common.const import MASK, AlarmLevel
from app.common.context import get_trace_id
from app.common.errors import AppError
from app.common.logger import log
from app.config.trace_.exchange import route_template
from app.config.trace_.trace_id_config import CLIENT_LEFT
from app.runtime import Runtime

_SERVER_ERROR: Final = 500
_WITHOUT_BODY: Final = frozenset({204, 205, 304})
_CODES: Final = {
    kind.status: kind.code
    for kind in (
        AppError,
        errors.ValidationError,
        errors.AuthenticationError,
        errors.AuthorizationError,
        errors.NotFoundError,
        errors.ConflictError,
        errors.RateLimited,
        errors.UpstreamError,
        errors.Unavailable,
        errors.DeadlineExceeded,
    )
}
_MESSAGES_WITH_VALUES: Final = frozenset({"value_error", "assertion_error", "union_tag_invalid"})
"""pydantic's other messages name the rule only."""


def add_error_handlers(app: FastAPI) -> None:
    """Registers the handlers of everything that is expected. What is not, ends in the request middleware."""
    app.add_exception_handler(AppError, _answer_app_error)
    app.add_exception_handler(HTTPException, _answer_http_exception)
    app.add_exception_handler(RequestValidationError, _answer_invalid_request)
    app.add_exception_handler(ClientDisconnect, _answer_nobody)


def report_failure(runtime: Runtime | None, error: Exception, method: str, route: str) -> None:
    """Logs an incident, with its traceback unless the error says all there is, and raises one alert for it."""
    kind = type(error).__name__
    record = log.bind(method=method, route=route, error=kind)
    if isinstance(error, AppError) and error.status != _SERVER_ERROR:
        record.bind(reason=error.message).warning("request failed")
    else:
        record.opt(exception=error).error("request failed")
    if runtime is not None:
        runtime.alerts.raise_alert(
            AlertEvent(
                "request_failed",
                AlarmLevel.URGENT,
                f"{method} {route}: {kind}",
                labels={"method": method, "route": route, "error": kind, "instance": runtime.instance},
                exception=error,
                dedup_key=f"request_failed:{method}:{route}:{kind}",
            )
        )


def _respond(
    status: int,
    code: str,
    message: str,
    details: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    content = {"code": code, "message": message, "trace_id": get_trace_id(), "details": jsonable_encoder(details or {})}
    return JSONResponse(content, status, headers=headers)


def _report_if_incident(request: Request, error: Exception, status: int) -> None:
    if status >= _SERVER_ERROR:
        runtime = getattr(request.app.state, "runtime", None)
        report_failure(runtime, error, request.method, route_template(request.scope))


async def _answer_app_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, AppError)  # noqa: S101 - Starlette hands over what it was registered for
    _report_if_incident(request, error, error.status)
    challenge = {"WWW-Authenticate": "Bearer"} if error.status == HTTPStatus.UNAUTHORIZED else None
    return _respond(error.status, error.code, error.message, error.details, challenge)


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    status, detail = error.status_code, error.detail
    _report_if_incident(request, error, status)
    if status in _WITHOUT_BODY:
        return Response(status_code=status, headers=error.headers)
    code, phrase = _describe_status(status)
    if isinstance(detail, str):
        return _respond(status, code, detail, headers=error.headers)
    details = detail if isinstance(detail, Mapping) else {"detail": detail}
    return _respond(status, code, phrase, details, error.headers)


def _describe_status(status: int) -> tuple[str, str]:
    try:
        known = HTTPStatus(status)
    except ValueError:
        return _CODES.get(status, f"HTTP_{status}"), f"HTTP {status}"
    return _CODES.get(status, known.name), known.phrase


async def _answer_invalid_request(_request: Request, error: Exception) -> Response:
    """Says where and which rule; never the value, which may be a secret."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    found = [
        {"path": ".".join(map(str, item["loc"])), "rule": item["type"], "message": _message(item)}
        for item in error.errors()
    ]
    expected = errors.ValidationError()
    return _respond(expected.status, expected.code, expected.message, {"errors": found})


def _message(item: Mapping[str, Any]) -> str:
    message = str(item["msg"])
    if item["type"] in _MESSAGES_WITH_VALUES:
        for value in (item.get("input"), item.get("ctx", {}).get("tag")):
            if value and isinstance(value, str | int | float):
                message = message.replace(str(value), MASK)
    return message


async def _answer_nobody(_request: Request, _error: Exception) -> Response:
    """The client left while its request was read: not an incident, and nobody to tell."""
    return Response(status_code=CLIENT_LEFT)
