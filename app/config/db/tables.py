"""Creates missing tables: for the local environment, where no migration has run."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, MetaData, text

_LOCKS: Final = {
    "mysql": ("SELECT GET_LOCK('create_tables', 10)", "SELECT RELEASE_LOCK('create_tables')"),
    "sqlite": ("BEGIN IMMEDIATE", None),
}


def create_missing_tables(connection: Connection, tables: Sequence[MetaData]) -> None:
    """Creates the tables that are not there, within the caller's transaction; existing ones stay as they are.

    Under a lock of the database: several processes that start together all look for the same missing tables.
    """
    lock, unlock = _LOCKS.get(connection.dialect.name, (None, None))
    if lock:
        connection.execute(text(lock))
    try:
        for metadata in tables:
            metadata.create_all(connection, checkfirst=True)
    finally:
        if unlock:
            connection.execute(text(unlock))
