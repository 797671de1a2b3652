"""Translates what SQLAlchemy and the drivers raise into the error tree, without values of the statement."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.common.errors import AppError, ConflictError, Unavailable

_REASONS: Final = {
    1040: "too many connections",
    1044: "access to the schema denied",
    1045: "access denied",
    1046: "no schema is selected: set the section's `name`",
    1049: "unknown schema",
    1053: "the server is shutting down",
    1129: "the server blocks this host",
    1130: "the server doesn't allow this host",
    1203: "too many connections of this user",
    1205: "a lock was not free in time",
    1213: "deadlock",
    1226: "the user's limit is reached",
    1290: "the server is read-only",
    1836: "the server is read-only",
    1927: "the connection was killed",
    2002: "can't connect",
    2003: "can't connect",
    2006: "the connection was lost",
    2013: "the connection was lost",
    4031: "the connection was closed for being idle",
    5: "the database is locked",
    6: "the database is locked",
    8: "the database is read-only",
    10: "disk error",
    13: "the disk is full",
    14: "the file can't be opened",
    26: "the file is not a database",
}
"""Failures of the database, not of the statement: MySQL's error numbers, and SQLite's primary result codes (< 30)."""

_SQLITE_PRIMARY_CODE: Final = 0xFF


def vendor_code(error: BaseException) -> int | None:
    """The driver's error number, also through SQLAlchemy's wrapping; None when it has none."""
    original = error.orig if isinstance(error, DBAPIError) else error
    sqlite_code = getattr(original, "sqlite_errorcode", None)
    if isinstance(sqlite_code, int):
        return sqlite_code & _SQLITE_PRIMARY_CODE
    first = original.args[0] if original is not None and original.args else None
    return first if isinstance(first, int) else None


def describe(error: BaseException) -> str:
    """The failure in our own words with the vendor's number: vendors' texts may hold values."""
    code = vendor_code(error)
    if isinstance(error, PoolTimeout):
        return "no connection was free in time"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if code is None:
        return type(error).__name__
    if isinstance(error, OSError):
        return f"{error.strerror} (error {code})"
    return f"{_REASONS.get(code, 'failed')} (error {code})"


def translate(error: SQLAlchemyError, address: str) -> AppError | None:
    """The error of our tree that `error` stands for; None for a defect in a statement, which stays what it is."""
    if isinstance(error, IntegrityError):
        code = vendor_code(error)
        return ConflictError("the data contradicts what is stored", details={} if code is None else {"error": code})
    lost = isinstance(error, DBAPIError) and (error.connection_invalidated or vendor_code(error) in _REASONS)
    if lost or isinstance(error, PoolTimeout):
        return Unavailable(f"database {address}: {describe(error)}")
    return None


@contextmanager
def translated(address: str) -> Iterator[None]:
    """Raises what `translate` gives from whatever the block raises."""
    try:
        yield
    except SQLAlchemyError as error:
        ours = translate(error, address)
        if ours is None:
            raise
        raise ours from error
