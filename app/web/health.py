"""Health: for the load balancer one word, for who has the operations token the reasons."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from starlette.status import HTTP_503_SERVICE_UNAVAILABLE

from app.config.live import Health
from app.edge import RuntimeDep, has_ops_token
from app.runtime import Runtime

UP: Final = "UP"
DOWN: Final = "DOWN"

router = APIRouter(tags=["health"])


@router.get("/health/live")
async def check_live() -> dict[str, str]:
    """Whether the process runs. Always `UP`: a restart cures no missing resource."""
    return {"status": UP}


@router.get("/health", responses={503: {}})
@router.get("/health/ready", responses={503: {}})
async def check_ready(request: Request, response: Response, runtime: RuntimeDep) -> dict[str, Any]:
    """Whether requests should come here: 503 and `DOWN` while draining or while a resource is missing.

    With the operations token also which resource and why, the settings' state, and the instance that answers.
    """
    resources = await runtime.settings.check_all()
    is_draining: bool = request.app.state.is_draining
    is_ready = not is_draining and all(health.up for health in resources.values())
    if not is_ready:
        response.status_code = HTTP_503_SERVICE_UNAVAILABLE
    status = {"status": UP if is_ready else DOWN}
    return {**status, **_details(runtime, resources, is_draining)} if has_ops_token(request) else status


def _details(runtime: Runtime, resources: Mapping[str, Health], is_draining: bool) -> dict[str, Any]:
    snapshot = runtime.settings.state.snapshot
    return {
        "instance": runtime.instance,
        "draining": is_draining,
        "resources": {name: asdict(health) for name, health in resources.items()},
        "settings": {
            "md5": snapshot.md5,
            "revision": snapshot.revision,
            "source": snapshot.source,
            "age_seconds": round((datetime.now(UTC) - snapshot.loaded_at).total_seconds(), 3),
        },
    }
