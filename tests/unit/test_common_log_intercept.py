"""Stdlib logging comes out of loguru, as from its own caller."""

import inspect
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from loguru import logger

from app.common.log_intercept import InterceptHandler, Interception, take_over
from app.common.log_options import LevelTable


@pytest.fixture
def records() -> Iterator[list[dict[str, Any]]]:
    found: list[dict[str, Any]] = []
    handler = logger.add(lambda message: found.append({**message.record}), level=0, format="{message}")
    yield found
    logger.remove(handler)


@pytest.fixture
def interception(records: list[dict[str, Any]]) -> Iterator[Interception]:
    interception = Interception(LevelTable("INFO", {}))
    yield interception
    interception.undo()


@pytest.mark.usefixtures("interception")
def test_module_function_and_line_are_those_of_the_caller(records: list[dict[str, Any]]) -> None:
    logging.getLogger("some.library").warning("%s of %s", 1, 2)
    own = inspect.currentframe()
    assert own is not None
    found = [(r["message"], r["function"], r["line"], r["level"].name) for r in records]
    assert found == [("1 of 2", own.f_code.co_name, own.f_code.co_firstlineno + 2, "WARNING")]
    assert records[0]["name"].endswith("test_common_log_intercept")
    assert records[0]["extra"]["logger"] == "some.library"


@pytest.mark.usefixtures("interception")
def test_a_library_is_shown_by_its_dotted_module(records: list[dict[str, Any]]) -> None:
    logging.getLogger("x").handle(
        logging.LogRecord("x", logging.ERROR, logging.__file__, 7, "boom", None, None, "function")
    )
    assert (records[0]["name"], records[0]["line"]) == ("logging", 7)


@pytest.mark.usefixtures("interception")
def test_a_module_that_is_no_file_is_shown_as_the_record_says(records: list[dict[str, Any]]) -> None:
    logging.getLogger("x").handle(logging.LogRecord("x", logging.ERROR, "<string>", 1, "boom", None, None))
    assert records[0]["name"] == "<string>"


@pytest.mark.usefixtures("interception")
def test_exception_and_extra_come_along(records: list[dict[str, Any]]) -> None:
    try:
        [].pop()
    except IndexError:
        logging.getLogger("x").exception("failed", extra={"order": 7, "color_message": "\x1b[0m"}, stack_info=True)
    assert str(records[0]["exception"].value) == "pop from empty list"
    assert records[0]["extra"]["order"] == 7
    assert "color_message" not in records[0]["extra"]
    assert "test_exception_and_extra_come_along" in records[0]["extra"]["stack"]


def test_braces_and_wrong_arguments_do_no_harm(records: list[dict[str, Any]]) -> None:
    handler = InterceptHandler(LevelTable("INFO", {}))
    handler.handle(logging.LogRecord("x", logging.INFO, "x.py", 1, "{not} <red>a</red> {0}", None, None))
    handler.handle(logging.LogRecord("x", logging.INFO, "x.py", 1, "%d items", ("many",), None))
    assert [record["message"] for record in records] == ["{not} <red>a</red> {0}", "%d items"]


@pytest.mark.usefixtures("interception")
@pytest.mark.parametrize(
    ("number", "name"), [(20, "INFO"), (25, "INFO"), (30, "WARNING"), (35, "WARNING"), (60, "CRITICAL")]
)
def test_levels_are_rounded_down_to_a_known_one(records: list[dict[str, Any]], number: int, name: str) -> None:
    logging.getLogger("x").log(number, "hello")
    assert [record["level"].name for record in records] == [name]


def test_levels_of_named_loggers_are_live(interception: Interception, records: list[dict[str, Any]]) -> None:
    library = logging.getLogger("some.library")
    library.debug("not yet")
    interception.apply(LevelTable("INFO", {"some.library": "DEBUG"}))
    library.debug("now")
    assert library.isEnabledFor(logging.DEBUG)
    interception.apply(LevelTable("INFO", {}))
    library.debug("no longer")
    assert not library.isEnabledFor(logging.DEBUG)
    assert [record["message"] for record in records] == ["now"]


def test_httpx_is_quiet_until_the_settings_ask_for_it(
    interception: Interception, records: list[dict[str, Any]]
) -> None:
    logging.getLogger("httpx").info("HTTP Request: GET /?token=x")
    interception.apply(LevelTable("INFO", {"httpx": "INFO"}))
    logging.getLogger("httpx").info("asked for")
    assert [record["message"] for record in records] == ["asked for"]


def test_handlers_of_uvicorn_and_others_give_way(records: list[dict[str, Any]]) -> None:
    library, access = logging.getLogger("uvicorn"), logging.getLogger("uvicorn.access")
    library.addHandler(logging.StreamHandler())
    library.propagate = False
    access.addHandler(logging.StreamHandler())
    interception = Interception(LevelTable("INFO", {}))
    logging.getLogger("uvicorn.error").info("started")
    access.info("GET /?token=x")
    assert library.handlers == []
    assert not access.hasHandlers()
    interception.undo()
    assert [record["message"] for record in records] == ["started"]
    assert len(library.handlers) == len(access.handlers) == 1
    assert library.propagate is False
    library.handlers, access.handlers, library.propagate, access.propagate = [], [], True, True


def test_sqlalchemys_echo_adds_no_handler_of_its_own(records: list[dict[str, Any]], interception: Interception) -> None:
    from sqlalchemy import create_engine, text

    engine = create_engine("sqlite://", echo=True)
    with engine.connect() as connection:
        connection.execute(text("SELECT 17"))
    engine.dispose()
    assert "SELECT 17" in [record["message"] for record in records]
    assert not [h for h in logging.getLogger("sqlalchemy.engine.Engine").handlers if type(h) is logging.StreamHandler]


@pytest.mark.usefixtures("interception")
def test_a_library_that_set_itself_up_again_can_be_taken_over_again(records: list[dict[str, Any]]) -> None:
    library = logging.getLogger("stubborn")
    library.addHandler(logging.NullHandler())
    library.propagate = False
    take_over("stubborn")
    library.warning("heard")
    assert [record["message"] for record in records] == ["heard"]


def test_undo_puts_handlers_and_levels_back() -> None:
    root, named = logging.getLogger(), logging.getLogger("some.library")
    before = (list(root.handlers), root.level, named.level)
    interception = Interception(LevelTable("DEBUG", {"some.library": "ERROR"}))
    assert (root.level, named.level) == (logging.DEBUG, logging.ERROR)
    interception.undo()
    assert (list(root.handlers), root.level, named.level) == before
