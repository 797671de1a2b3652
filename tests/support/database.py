"""What the tests of the database and of features on it share."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Integer, MetaData, String, Table
from sqlalchemy.ext.asyncio import AsyncSession

from app.common.errors import Unavailable
from app.config.db.database import Database
from app.config.db.db_mysql import DatabaseResource, DatabaseValue
from app.config.settings import DatabaseSettings

metadata = MetaData()
notes = Table(
    "notes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("title", String(50), unique=True),
)


class Values:
    """Current values by name, as LiveSettings keeps them."""

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self.current = dict(values or {})

    def value(self, name: str) -> Any:
        if name not in self.current:
            raise Unavailable(f"{name} is not available")
        return self.current[name]


class LiveDatabase:
    """A resource with its current value and the Database on it; `change` is a whole apply."""

    def __init__(self, data_dir: Path, *tables: MetaData) -> None:
        self.resource = DatabaseResource(data_dir, lambda: tables, create_tables=True)
        self.values = Values()
        self.db = Database(self.values)
        self.settings: DatabaseSettings | None = None

    async def change(self, new: DatabaseSettings) -> DatabaseValue | None:
        """Prepares and commits; returns what is to be settled."""
        value = await self.resource.prepare(new, self.settings)
        old: DatabaseValue | None = self.values.current.get("database")
        self.values.current["database"] = value
        self.settings = new
        self.resource.commit(value)
        return old

    async def titles(self) -> list[str]:
        async with self.db.transaction() as session:
            return await list_titles(session)

    async def close(self) -> None:
        if "database" in self.values.current:
            await self.resource.discard(self.values.current["database"])


@asynccontextmanager
async def open_database(
    data_dir: Path, settings: DatabaseSettings | None = None, *tables: MetaData
) -> AsyncIterator[LiveDatabase]:
    """A database with the table `notes`: a SQLite file unless the settings say otherwise."""
    live = LiveDatabase(data_dir, *(tables or (metadata,)))
    await live.change(settings or DatabaseSettings())
    try:
        yield live
    finally:
        await live.close()


async def list_titles(session: AsyncSession) -> list[str]:
    found = await session.scalars(notes.select().with_only_columns(notes.c.title).order_by(notes.c.id))
    return [str(title) for title in found]
