"""The error tree: code, status and message of each."""

import re

import pytest

from app.common import errors
from app.common.errors import AppError, ConflictError, SettingsRefused, Unavailable

TREE = [error for error in vars(errors).values() if isinstance(error, type) and issubclass(error, AppError)]


@pytest.mark.parametrize("error", TREE, ids=lambda error: error.__name__)
def test_every_error_has_a_code_a_status_and_a_message_of_its_own(error: type[AppError]) -> None:
    raised = error()
    assert re.fullmatch(r"[A-Z]+(_[A-Z]+)*", raised.code)
    assert 400 <= raised.status <= 599
    assert raised.message == str(raised) == (error.__doc__ or "").strip() != ""


def test_codes_are_unique() -> None:
    assert len({error.code for error in TREE}) == len(TREE)


@pytest.mark.parametrize("error", TREE, ids=lambda error: error.__name__)
def test_the_drawing_at_the_top_shows_every_error(error: type[AppError]) -> None:
    assert re.search(rf"\b{error.__name__} +\(?{error.status} {error.code}\b", errors.__doc__ or "")


def test_message_and_details_are_those_given() -> None:
    details = {"field": "name"}
    error = ConflictError("taken", details=details)
    details["field"] = "changed"
    assert (error.message, error.details, str(error)) == ("taken", {"field": "name"}, "taken")


def test_refused_settings_are_a_conflict_and_not_an_outage() -> None:
    assert issubclass(SettingsRefused, ConflictError)
    assert not issubclass(SettingsRefused, Unavailable)
