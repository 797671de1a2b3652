"""The database as a live resource: MySQL, or a SQLite file in DATA_DIR. New settings get new pools, old ones drain."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from sqlalchemy import MetaData, select
from sqlalchemy.exc import SQLAlchemyError

from app.common.logger import log
from app.config.db.builders import build_engines, make_ready
from app.config.db.engines import DisabledDatabase, Engines
from app.config.db.errors import describe
from app.config.db.tables import create_missing_tables
from app.config.resource import Health, Refused
from app.config.settings import DatabaseSettings

DatabaseValue = Engines | DisabledDatabase

_CHECK_SECONDS: Final = 1.0
_KEEPS_POOLS: Final = frozenset({"echo", "drain_seconds", "create_tables"})
"""Fields that a pool knows nothing of: a change of them keeps it."""


class DatabaseResource:
    """Builds, replaces and checks the engines of the section `database`.

    `load_tables` gives the metadata of every feature; `create_tables` says whether missing ones are created where the
    settings say nothing of it.
    """

    name = "database"
    section = "database"

    def __init__(
        self, data_dir: Path, load_tables: Callable[[], Sequence[MetaData]] = tuple, *, create_tables: bool = False
    ) -> None:
        self._data_dir = data_dir
        self._load_tables = load_tables
        self._create_tables = create_tables
        self._current: DatabaseValue | None = None

    async def prepare(self, new: DatabaseSettings, old: DatabaseSettings | None) -> DatabaseValue:
        """Engines that really have connected. Raises Refused, always transient: the server may change its mind."""
        if not new.enabled:
            return DisabledDatabase()
        current = self._current
        if isinstance(current, Engines) and old is not None and _pool_fields(new) == _pool_fields(old):
            return current.with_settings(new)
        try:
            await asyncio.to_thread(make_ready, new, self._data_dir)
        except OSError as error:
            raise Refused(f"{self._data_dir}: {describe(error)}", transient=True) from error
        engines = build_engines(new, self._data_dir, self._echo)
        try:
            await self._connect(engines)
        except BaseException as error:
            await engines.close()
            if isinstance(error, SQLAlchemyError | OSError):
                raise Refused(f"{engines.address}: {describe(error)}", transient=True) from error
            raise
        return engines

    def commit(self, value: DatabaseValue) -> None:
        self._current = value

    async def settle(self, old: DatabaseValue | None) -> None:
        """Waits for the old pools' transactions, `drain_seconds` at most, and closes them."""
        if not isinstance(old, Engines) or self._is_current(old):
            return
        left = await old.drain(old.settings.drain_seconds)
        if left:
            log.bind(transactions=left, address=old.address).warning("replaced pool still in use after its drain")

    async def discard(self, value: DatabaseValue) -> None:
        """Closes the engines, unless they are the current ones under other settings."""
        if isinstance(value, Engines) and (value is self._current or not self._is_current(value)):
            await value.close()

    async def check(self) -> Health:
        """Pings within a second; shows the pools' numbers."""
        current = self._current
        if current is None:
            return Health(up=False, reason="not connected")
        if isinstance(current, DisabledDatabase):
            return Health(up=True, details={"enabled": False})
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                await _ping(current)
        except (SQLAlchemyError, OSError) as error:
            return Health(False, f"{current.address}: {describe(error)}", dict(current.pool_numbers()))
        return Health(up=True, details=dict(current.pool_numbers()))

    def _echo(self) -> bool:
        return isinstance(self._current, Engines) and self._current.settings.echo

    def _is_current(self, value: Engines) -> bool:
        return isinstance(self._current, Engines) and self._current.shares_pools_with(value)

    async def _connect(self, engines: Engines) -> None:
        async with asyncio.timeout(engines.settings.connect_timeout_seconds):
            await _ping(engines)
        wanted = engines.settings.create_tables
        if self._create_tables if wanted is None else wanted:
            tables = await asyncio.to_thread(self._load_tables)
            async with engines.engine.begin() as connection:
                await connection.run_sync(create_missing_tables, tables)


async def _ping(engines: Engines) -> None:
    async with engines.engine.connect() as connection:
        await connection.execute(select(1))


def _pool_fields(settings: DatabaseSettings) -> dict[str, object]:
    return settings.model_dump(exclude=set(_KEEPS_POOLS))
