"""Builds the two engines from the settings: MySQL, or a SQLite file. Builds only; nothing connects here."""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, create_engine, event
from sqlalchemy.ext.asyncio import create_async_engine

from app.config.db.engines import Engines
from app.config.db.sql_log import install_sql_log
from app.config.settings import DatabaseSettings

_DEFAULT_HOST: Final = "127.0.0.1"
_SQLITE_PRAGMAS: Final = ("busy_timeout=5000", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON")
SQLITE_FILE: Final = "app.db"


def driver_of(settings: DatabaseSettings) -> str:
    """`mysql` if a host is set, else `sqlite`, unless the driver is named."""
    return settings.driver or ("mysql" if settings.host else "sqlite")


def make_ready(settings: DatabaseSettings, data_dir: Path) -> None:
    """Loads the configured drivers, and no others; makes SQLite's folder. Blocks: for a thread."""
    if driver_of(settings) == "mysql":
        import_module("app.config.db.mysql_drivers")
    else:
        import_module("aiosqlite")
        data_dir.mkdir(parents=True, exist_ok=True)


def build_engines(settings: DatabaseSettings, data_dir: Path, echo: Callable[[], bool]) -> Engines:
    """Two engines with pools of their own, statements logged as `echo()` says."""
    build = _build_mysql if driver_of(settings) == "mysql" else partial(_build_sqlite, data_dir=data_dir)
    engines: Engines = build(settings, _pool_options(settings))
    for engine in (engines.engine.sync_engine, engines.sync_engine):
        install_sql_log(engine, echo)
    return engines


def _pool_options(settings: DatabaseSettings) -> dict[str, Any]:
    return {
        "pool_size": settings.pool_size,
        "max_overflow": settings.max_overflow,
        "pool_timeout": settings.pool_timeout_seconds,
        "pool_recycle": settings.pool_recycle_seconds,
        "hide_parameters": True,
    }


def _build_mysql(settings: DatabaseSettings, options: dict[str, Any]) -> Engines:
    from app.config.db.mysql_drivers import BoundedConnection, connect_bounded  # noqa: PLC0415 - drivers load late

    host = settings.host or _DEFAULT_HOST
    url = URL.create(
        "mysql+aiomysql",
        username=settings.user,
        password=settings.password.get_secret_value(),
        host=host,
        port=settings.port,
        database=settings.name or None,
        query={"charset": settings.charset},
    )
    options = {**options, "pool_pre_ping": True}
    arguments = {"connect_timeout": settings.connect_timeout_seconds}
    engine = create_async_engine(url, connect_args={**arguments, "async_creator_fn": connect_bounded}, **options)
    sync_engine = create_engine(url.set(drivername="mysql+pymysql"), connect_args=arguments, **options)

    def connect(_dialect: Any, _record: Any, _positional: Any, keywords: dict[str, Any]) -> BoundedConnection:
        return BoundedConnection(**keywords)

    event.listen(sync_engine, "do_connect", connect)
    return Engines(settings, f"{host}:{settings.port}", engine, sync_engine)


def _build_sqlite(settings: DatabaseSettings, options: dict[str, Any], *, data_dir: Path) -> Engines:
    path = data_dir / SQLITE_FILE
    engine = create_async_engine(URL.create("sqlite+aiosqlite", database=str(path)), **options)
    sync_engine = create_engine(URL.create("sqlite", database=str(path)), **options)
    for each in (engine.sync_engine, sync_engine):
        event.listen(each, "connect", _prepare_sqlite_connection)
    return Engines(settings, path.name, engine, sync_engine)


def _prepare_sqlite_connection(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    for pragma in _SQLITE_PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
