import sqlite3

import pymysql
import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.common.errors import ConflictError, Unavailable
from app.config.db.errors import describe, translate, translated, vendor_code


def wrapped(original: Exception, kind: type[DBAPIError] = OperationalError, *, lost: bool = False) -> DBAPIError:
    return kind("SELECT secret", {"password": "secret"}, original, connection_invalidated=lost, hide_parameters=True)


@pytest.mark.parametrize("code", [1040, 1045, 1049, 1205, 1213, 2003, 2006, 2013])
def test_a_failure_of_the_server_is_unavailable_with_its_number(code: int) -> None:
    error = translate(wrapped(pymysql.OperationalError(code, "secret text")), "db:3306")

    assert isinstance(error, Unavailable)
    assert error.message.startswith("database db:3306: ")
    assert f"error {code}" in error.message
    assert "secret" not in error.message


def test_a_connection_lost_during_a_statement_is_unavailable_without_a_number() -> None:
    error = translate(wrapped(pymysql.InterfaceError("gone"), lost=True), "db:3306")

    assert isinstance(error, Unavailable)


def test_a_full_pool_is_unavailable() -> None:
    assert isinstance(translate(PoolTimeout("limit reached"), "db:3306"), Unavailable)


def test_a_duplicate_is_a_conflict_with_the_vendors_number() -> None:
    error = translate(wrapped(pymysql.IntegrityError(1062, "Duplicate entry 'secret'"), IntegrityError), "db:3306")

    assert isinstance(error, ConflictError)
    assert error.details == {"error": 1062}
    assert "secret" not in error.message


def test_a_wrong_statement_is_not_the_databases_failure() -> None:
    assert translate(wrapped(pymysql.ProgrammingError(1146, "no such table"), ProgrammingError), "db:3306") is None


def test_extended_codes_of_sqlite_are_read_by_their_primary_part() -> None:
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY_SNAPSHOT

    assert vendor_code(wrapped(error)) == sqlite3.SQLITE_BUSY


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (TimeoutError(), "no answer in time"),
        (PoolTimeout("limit"), "no connection was free in time"),
        (pymysql.OperationalError(1045, "Access denied for user 'app'"), "access denied (error 1045)"),
        (pymysql.OperationalError(1142, "CREATE command denied"), "failed (error 1142)"),
        (ConnectionResetError(104, "Connection reset by peer"), "Connection reset by peer (error 104)"),
        (SQLAlchemyError("text"), "SQLAlchemyError"),
    ],
)
def test_a_failure_is_described_in_our_own_words(error: Exception, said: str) -> None:
    assert describe(error) == said


def test_the_block_raises_the_translation_and_keeps_the_cause() -> None:
    original = wrapped(pymysql.OperationalError(2013, "lost"))

    with pytest.raises(Unavailable) as caught, translated("db:3306"):
        raise original

    assert caught.value.__cause__ is original
