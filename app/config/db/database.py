"""What `runtime.db` is: transactions on the current engines."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from app.common.errors import FeatureDisabled
from app.config.db.engines import Engines
from app.config.db.errors import translated


class Values(Protocol):
    """Where the current values of resources are: `LiveSettings`."""

    def value(self, name: str) -> Any:
        """The current value. Raises Unavailable at once when there is none."""
        ...


class Database:
    """Opens transactions on the engines that are current at that moment; an open one stays on its own.

    Raises Unavailable when the database can't be reached or no connection is free in time, ConflictError when the data
    contradicts a constraint, FeatureDisabled when `<section>.enabled` is false.
    """

    def __init__(self, values: Values, name: str = "database") -> None:
        self._values = values
        self._name = name

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One transaction, as a request or an async job takes it: committed at the end, rolled back on any error."""
        engines = self._current()
        with translated(engines.address):
            async with engines.transaction() as session:
                yield session

    @contextmanager
    def sync_transaction(self) -> Iterator[Session]:
        """The same for plain-function jobs, which run in threads."""
        engines = self._current()
        with translated(engines.address), engines.sync_transaction() as session:
            yield session

    def _current(self) -> Engines:
        value = self._values.value(self._name)
        if not isinstance(value, Engines):
            raise FeatureDisabled(f"{self._name} is switched off ({self._name}.enabled)")
        return value
