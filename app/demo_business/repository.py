"""Where greetings are kept. The transaction belongs to the caller: nothing here commits."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.demo_business.models import Greeting


class GreetingRepository:
    """Greetings within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, greeting: Greeting) -> Greeting:
        """Writes a greeting, which has its id afterwards."""
        self._session.add(greeting)
        await self._session.flush()
        return greeting

    async def list_newest(self, limit: int) -> Sequence[Greeting]:
        """The newest greetings first."""
        found = await self._session.scalars(select(Greeting).order_by(Greeting.id.desc()).limit(limit))
        return found.all()
