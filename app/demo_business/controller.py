"""The HTTP door of this feature."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from app.demo_business.schemas import GreetingView, Hello, NewGreeting
from app.demo_business.service import build_service, say_hello
from app.edge import DbSession, RuntimeDep

router = APIRouter(prefix="/demo", tags=["demo"])


@router.get("/hello/world")
async def hello_world() -> Hello:
    """Answers at once, with the greeting of the live settings."""
    return say_hello()


@router.post("/greetings", status_code=status.HTTP_201_CREATED)
async def create_greeting(new: NewGreeting, runtime: RuntimeDep, session: DbSession) -> GreetingView:
    """Reads a live setting, makes a traced outgoing call and writes a row: all under this request's trace id."""
    return GreetingView.model_validate(await build_service(runtime, session).greet(new.name))


@router.get("/greetings")
async def list_greetings(
    runtime: RuntimeDep, session: DbSession, limit: Annotated[int, Query(ge=1, le=100)] = 20
) -> list[GreetingView]:
    """The newest greetings first."""
    found = await build_service(runtime, session).list_newest(limit)
    return [GreetingView.model_validate(greeting) for greeting in found]
