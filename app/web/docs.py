"""`/docs`, `/redoc` and `/openapi.json`: no page asks another host for anything."""

import asyncio
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html, swagger_ui_default_parameters
from starlette.responses import FileResponse, HTMLResponse, Response

from app.common.errors import NotFoundError
from app.edge import RuntimeDep

ASSETS_PACKAGE: Final = "fastapi_offline"
"""Carries the distributed files of Swagger UI (Apache-2.0) and Redoc (MIT)."""
REDOC: Final = "redoc.standalone.js"
ASSETS: Final = frozenset({"swagger-ui-bundle.js", "swagger-ui.css", REDOC, "favicon.png"})
ENVIRONMENTS_WITH_DOCS: Final = frozenset({"local", "test"})
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:"
)
"""The browser refuses whatever the pages' scripts would still load from elsewhere."""


async def require_docs(runtime: RuntimeDep) -> None:
    """Raises NotFoundError where the documentation is switched off."""
    enabled = runtime.settings.state.snapshot.settings.server.docs
    if not (runtime.environment.name in ENVIRONMENTS_WITH_DOCS if enabled is None else enabled):
        raise NotFoundError("Not Found")


async def _root_path(request: Request) -> str:
    root: str = request.scope.get("root_path", "")
    return root.rstrip("/")


RootPath = Annotated[str, Depends(_root_path)]
router = APIRouter(include_in_schema=False, dependencies=[Depends(require_docs)])


@router.get("/openapi.json")
async def get_schema(request: Request) -> dict[str, Any]:
    """The OpenAPI document of every route."""
    schema: dict[str, Any] = request.app.openapi()
    return schema


@router.get("/docs")
async def show_swagger_ui(request: Request, root: RootPath) -> HTMLResponse:
    """Swagger UI: read the API and try it out."""
    page = get_swagger_ui_html(
        openapi_url=f"{root}/openapi.json",
        title=request.app.title,
        swagger_js_url=f"{root}/docs/assets/swagger-ui-bundle.js",
        swagger_css_url=f"{root}/docs/assets/swagger-ui.css",
        swagger_favicon_url=f"{root}/docs/assets/favicon.png",
        swagger_ui_parameters={**swagger_ui_default_parameters, "validatorUrl": None},
    )
    return _closed(page)


@router.get("/redoc")
async def show_redoc(request: Request, root: RootPath) -> HTMLResponse:
    """Redoc: the API as one page to read."""
    page = get_redoc_html(
        openapi_url=f"{root}/openapi.json",
        title=request.app.title,
        redoc_js_url=f"{root}/docs/assets/{REDOC}",
        redoc_favicon_url=f"{root}/docs/assets/favicon.png",
        with_google_fonts=False,
    )
    return _closed(page)


@router.get("/docs/assets/{name}")
async def get_asset(name: str) -> Response:
    """The pages' scripts, styles and icon."""
    spec = find_spec(ASSETS_PACKAGE) if name in ASSETS else None
    if spec is None or spec.origin is None:
        raise NotFoundError("Not Found")
    path = Path(spec.origin).parent / "static" / name
    if name == REDOC:
        return Response(await asyncio.to_thread(_read_without_logo, path), media_type="text/javascript")
    return FileResponse(path)


@cache
def _read_without_logo(path: Path) -> bytes:
    """Redoc's script, which would ask its vendor for a logo at every visit."""
    return path.read_bytes().replace(b"https://cdn.redoc.ly/redoc/logo-mini.svg", b"data:,")


def _closed(page: HTMLResponse) -> HTMLResponse:
    page.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return page
