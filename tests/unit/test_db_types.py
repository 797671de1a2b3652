from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import StatementError

from app.config.db.types import UtcDateTime
from support.database import open_database

metadata = MetaData()
moments = Table("moments", metadata, Column("id", Integer, primary_key=True), Column("at", UtcDateTime))


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (datetime(2031, 5, 1, 12, 0, 0, 123456, tzinfo=UTC), datetime(2031, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)),
        (datetime(2031, 5, 1, 20, tzinfo=timezone(timedelta(hours=8))), datetime(2031, 5, 1, 12, tzinfo=UTC)),
        (None, None),
    ],
)
async def test_a_moment_comes_back_as_the_same_moment_in_utc(
    tmp_path: Path, given: datetime | None, read: datetime | None
) -> None:
    async with open_database(tmp_path, None, metadata) as live, live.db.transaction() as session:
        await session.execute(moments.insert().values(at=given))

        assert await session.scalar(moments.select().with_only_columns(moments.c.at)) == read


async def test_a_moment_without_zone_is_refused(tmp_path: Path) -> None:
    async with open_database(tmp_path, None, metadata) as live, live.db.transaction() as session:
        with pytest.raises(StatementError, match="time zone"):
            await session.execute(moments.insert().values(at=datetime(2031, 5, 1)))  # noqa: DTZ001 - the point of it


def test_mysql_keeps_microseconds() -> None:
    assert UtcDateTime().compile(dialect=mysql.dialect()) == "DATETIME(6)"
