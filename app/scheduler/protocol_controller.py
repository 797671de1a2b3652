"""The admin side of XXL-JOB's protocol, as executors in any language speak it."""

import hmac
from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from app.common.errors import ConflictError
from app.config.tokens import access_token
from app.runtime import Runtime, runtime_of
from app.scheduler.protocol import (
    MAX_BODY_BYTES,
    SUCCESS,
    TOKEN_HEADER,
    WRONG_TOKEN,
    ProtocolError,
    failure,
    parse_callbacks,
    parse_registry,
)
from app.scheduler.service import SchedulerService
from app.scheduler.wiring import SchedulerDep

router = APIRouter(prefix="/xxl-job-admin/api", include_in_schema=False)

Action = Callable[[SchedulerService, bytes], Awaitable[None]]


@router.post("/{action}")
async def handle(action: str, request: Request, scheduler: SchedulerDep) -> JSONResponse:
    """registry, registryRemove and callback. The protocol's answers are HTTP 200 whatever they say."""
    return JSONResponse(await _answer(action, request, scheduler))


async def _answer(action: str, request: Request, scheduler: SchedulerService) -> dict[str, Any]:
    if not _bears_token(request, runtime_of(request)):
        return failure(WRONG_TOKEN)
    if action not in _ACTIONS:
        return failure(f"invalid request, uri-mapping({action}) not found.")
    try:
        await _ACTIONS[action](scheduler, await _read_body(request))
    except ProtocolError as error:
        return failure(str(error))
    except ConflictError as error:
        return failure(error.message)
    return SUCCESS


def _bears_token(request: Request, runtime: Runtime) -> bool:
    expected = access_token(runtime.environment, runtime.settings.state.snapshot.settings)
    given = request.headers.get(TOKEN_HEADER, "")
    return hmac.compare_digest(given.encode("latin-1"), expected.encode())


async def _read_body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise ProtocolError(f"request error: the body is over {MAX_BODY_BYTES} bytes")
    return bytes(body)


async def _registry(scheduler: SchedulerService, body: bytes) -> None:
    executor = parse_registry(body)
    scheduler.register(executor.app_name, executor.address)


async def _registry_remove(scheduler: SchedulerService, body: bytes) -> None:
    executor = parse_registry(body)
    scheduler.unregister(executor.app_name, executor.address)


async def _callback(scheduler: SchedulerService, body: bytes) -> None:
    await scheduler.complete(parse_callbacks(body))


_ACTIONS: Final[dict[str, Action]] = {
    "registry": _registry,
    "registryRemove": _registry_remove,
    "callback": _callback,
}
