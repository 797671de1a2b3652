"""What tells one version of the console from the next."""

from typing import Any

import pytest

from app.testing.console_dialect import (
    EMPTY_CALLER,
    INVALID_CALLER,
    WRONG_TOKEN,
    Caller,
    ConsoleDialect,
    outcome_of,
    read_callbacks,
    refusal_of_caller,
)

V2_2, V2_3, V3_3, V3_5 = ConsoleDialect
EXPECTED = Caller("secret", "mine")


@pytest.mark.parametrize(
    ("dialect", "path", "time", "page"),
    [
        (V2_2, "/run", "logDateTim", "content"),
        (V2_3, "/run", "logDateTim", "content"),
        (V3_3, "/run", "logDateTim", "data"),
        (V3_5, "/trigger", "logDateTime", "data"),
    ],
)
def test_names_change_with_the_version(dialect: ConsoleDialect, path: str, time: str, page: str) -> None:
    assert (dialect.trigger_path, dialect.time_field, dialect.page_field) == (path, time, page)


@pytest.mark.parametrize("dialect", [V2_2, V2_3, V3_3])
@pytest.mark.parametrize(
    ("caller", "refusal"),
    [
        (Caller("secret", ""), None),
        (Caller("secret", "another"), None),
        (Caller("wrong", "mine"), WRONG_TOKEN),
        (Caller("", ""), WRONG_TOKEN),
    ],
)
def test_up_to_3_4_the_token_decides(dialect: ConsoleDialect, caller: Caller, refusal: str | None) -> None:
    assert refusal_of_caller(dialect, caller, EXPECTED) == refusal


@pytest.mark.parametrize(
    ("caller", "refusal"),
    [
        (Caller("secret", "mine"), None),
        (Caller("secret", ""), EMPTY_CALLER),
        (Caller(" ", "mine"), EMPTY_CALLER),
        (Caller("secret", "another"), INVALID_CALLER),
        (Caller("wrong", "mine"), INVALID_CALLER),
    ],
)
def test_from_3_5_on_token_and_name_decide(caller: Caller, refusal: str | None) -> None:
    assert refusal_of_caller(V3_5, caller, EXPECTED) == refusal


def test_a_console_without_a_token_hears_everybody_up_to_3_4() -> None:
    assert refusal_of_caller(V3_3, Caller("", ""), Caller("", "")) is None
    assert refusal_of_caller(V3_5, Caller("", ""), Caller("", "")) == EMPTY_CALLER


@pytest.mark.parametrize(("dialect", "outcome"), [(V2_2, (502, "old")), (V2_3, (200, "new")), (V3_5, (200, "new"))])
def test_an_outcome_is_read_from_the_fields_of_the_version(dialect: ConsoleDialect, outcome: tuple[int, Any]) -> None:
    item = {"handleCode": 200, "handleMsg": "new", "executeResult": {"code": 502, "msg": "old"}}
    assert outcome_of(dialect, item) == outcome


def test_callbacks_are_a_list_and_from_3_5_on_an_object() -> None:
    items = [{"logId": 1, "handleCode": 200, "unknown": True}]
    assert read_callbacks(V3_3, items) == items
    assert read_callbacks(V3_5, {"callbackList": items}) == items
    assert "Expected BEGIN_ARRAY but was BEGIN_OBJECT" in read_callbacks(V3_3, {"callbackList": items})
    assert "Expected BEGIN_OBJECT but was BEGIN_ARRAY" in read_callbacks(V3_5, items)
