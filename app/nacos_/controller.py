"""The settings endpoints. All of them need `Authorization: Bearer <server.ops_token>`."""

from typing import Any

from fastapi import APIRouter, Depends, Response

from app.edge import RuntimeDep, require_ops_token
from app.nacos_ import service
from app.nacos_.schemas import HistoryAnswer, RefreshAnswer

router = APIRouter(prefix="/nacos", tags=["settings"], dependencies=[Depends(require_ops_token)])

_CONFLICT = 409


@router.get("/getConfig")
async def get_config(runtime: RuntimeDep, origin: bool = False) -> dict[str, Any]:
    """The effective document itself: same keys, business keys too, secrets masked. `?origin=true` adds each layer."""
    return await service.get_config(runtime, origin=origin)


@router.post("/refresh", responses={409: {"model": RefreshAnswer}})
async def refresh(runtime: RuntimeDep, response: Response) -> RefreshAnswer:
    """Pulls now. 200 applied or unchanged, 409 refused or pending with the reasons, 502 source can't be reached."""
    answer = await service.refresh(runtime)
    if answer.outcome in {"refused", "pending"}:
        response.status_code = _CONFLICT
    return answer


@router.get("/status")
async def get_status(runtime: RuntimeDep) -> dict[str, Any]:
    """Revision, md5 and source of this process's settings, and what is missing, refused or pending."""
    return service.get_status(runtime)


@router.get("/history")
async def get_history(runtime: RuntimeDep) -> HistoryAnswer:
    """The last 50 applies of this process, newest first."""
    return service.get_history(runtime)
