"""What this feature does, whoever asks: it knows neither HTTP requests nor jobs."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from app.common.context import get_trace_id
from app.common.errors import UpstreamError
from app.common.logger import log
from app.config.environment import host_name
from app.config.http_client import HttpClient
from app.config.live import on_change, section, settings
from app.demo_business.models import Greeting
from app.demo_business.repository import GreetingRepository
from app.demo_business.schemas import DemoSettings, Hello
from app.runtime import Runtime


class GreetingService:
    """Greets people, has the greeting echoed, and keeps it."""

    def __init__(self, greetings: GreetingRepository, http: HttpClient) -> None:
        self._greetings = greetings
        self._http = http

    async def greet(self, name: str) -> Greeting:
        """Raises UpstreamError when nobody echoes; then nothing is kept."""
        demo = section("demo", DemoSettings)
        echoed_by = await self._echo(demo)  # before the first statement: no connection is held during the call
        greeting = Greeting(
            name=name,
            text=f"{demo.greeting} {name}",
            echoed_by=echoed_by,
            trace_id=get_trace_id(),
            created_at=datetime.now(UTC),
        )
        await self._greetings.add(greeting)
        log.bind(greeting_id=greeting.id).info("greeting kept")
        return greeting

    async def list_newest(self, limit: int) -> Sequence[Greeting]:
        """The newest greetings first."""
        return await self._greetings.list_newest(limit)

    async def _echo(self, demo: DemoSettings) -> str:
        url = str(demo.echo_url or f"http://127.0.0.1:{settings().server.port}/demo/hello/world")
        response = await self._http.get(url)
        try:
            return Hello.model_validate_json(response.content).host
        except ValidationError as error:
            raise UpstreamError(f"the echo answered {response.status_code} and no greeting") from error


def build_service(runtime: Runtime, session: AsyncSession) -> GreetingService:
    """The service within one transaction: for a request and for a run alike."""
    return GreetingService(GreetingRepository(session), runtime.http)


def say_hello() -> Hello:
    """A first sign of life; its word is a live setting."""
    greeting = section("demo", DemoSettings).greeting
    return Hello(msg=f"{greeting} world", time=datetime.now(UTC), host=host_name())


@on_change("demo.greeting")
def greeting_changed(new: Any, old: Any) -> None:
    """What a change of a setting can set going: this runs after it is in force."""
    log.bind(new=new, old=old).info("greeting changed")
