from pathlib import Path

import pytest
from sqlalchemy import text

from app.config.db.builders import build_engines, driver_of
from app.config.settings import DatabaseSettings
from support.database import LiveDatabase, open_database


@pytest.mark.parametrize(
    ("settings", "driver"),
    [
        ({}, "sqlite"),
        ({"host": "db"}, "mysql"),
        ({"host": "db", "driver": "sqlite"}, "sqlite"),
        ({"driver": "mysql"}, "mysql"),
    ],
)
def test_a_host_means_mysql_unless_the_driver_is_named(settings: dict[str, str], driver: str) -> None:
    assert driver_of(DatabaseSettings.model_validate(settings)) == driver


def test_mysql_engines_take_what_the_settings_say(tmp_path: Path) -> None:
    settings = DatabaseSettings.model_validate({"host": "db", "user": "app", "password": "a@b/c:%", "name": "orders"})
    engines = build_engines(settings, tmp_path, lambda: False)

    assert engines.address == "db:3306"
    for url in (engines.engine.url, engines.sync_engine.url):
        assert (url.host, url.port, url.username, url.password, url.database) == (
            "db",
            3306,
            "app",
            "a@b/c:%",
            "orders",
        )
        assert url.query == {"charset": "utf8mb4"}
        assert "a@b" not in str(url)


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("busy_timeout", 5000), ("foreign_keys", 1), ("synchronous", 1)]
)
async def test_sqlite_is_opened_for_several_processes_and_keeps_references(
    tmp_path: Path, pragma: str, value: object
) -> None:
    async with open_database(tmp_path) as live:
        async with live.db.transaction() as session:
            assert await session.scalar(text(f"PRAGMA {pragma}")) == value
        assert sync_pragma(live, pragma) == value


def sync_pragma(live: LiveDatabase, pragma: str) -> object:
    with live.db.sync_transaction() as session:
        return session.scalar(text(f"PRAGMA {pragma}"))
