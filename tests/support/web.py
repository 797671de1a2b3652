"""The web process with a feature more, as a fork has its own: `python -m support.web`."""

import sys

from fastapi import APIRouter, FastAPI
from sqlalchemy import text

from app.bootstrap import FEATURES, Feature
from app.edge import DbSession
from app.runtime import Runtime
from app.web.process import run_process
from app.web.server import create_app

router = APIRouter(prefix="/probe")


@router.get("/database")
async def read_database(session: DbSession) -> int:
    return int((await session.execute(text("SELECT 1"))).scalar_one())


def build_app(runtime: Runtime) -> FastAPI:
    return create_app(runtime, features=(*FEATURES, Feature("probe", routers=("support.web:router",))))


if __name__ == "__main__":
    sys.exit(run_process(build_app))
