"""Why values were refused."""

from typing import Any

import pytest

from app.common.errors import SettingsRefused
from app.config.compose import compose
from app.config.reasons import MOST_TOLD
from support.settings import build_schema, documents


def refused(text: str, **variables: str) -> Any:
    with pytest.raises(SettingsRefused) as error:
        compose(documents(text), build_schema(variables))
    return error.value.details["reasons"]


def test_a_wrong_variable_is_named_instead_of_the_document_that_it_overrides() -> None:
    (reason,) = refused("server: {port: 9000}\n", APP__SERVER__PORT="many")
    assert reason.startswith("environment variable APP__SERVER__PORT: server.port: Input should be a valid integer")


def test_a_wrong_substituted_value_is_placed_in_the_document() -> None:
    (reason,) = refused("server:\n  port: ${PORT}\n", PORT="many")
    assert reason.startswith("base.yaml:2:3: server.port")


def test_the_other_spelling_of_a_section_is_found() -> None:
    (reason,) = refused("xxl_job:\n  port: many\n")
    assert reason.startswith("base.yaml:2:3: xxl-job.port")


def test_of_very_many_the_first_are_told() -> None:
    levels = "".join(f"    module{number}: LOUD\n" for number in range(MOST_TOLD + 7))
    reasons = refused(f"log:\n  levels:\n{levels}")
    assert len(reasons) == MOST_TOLD + 1
    assert reasons[0].startswith("base.yaml:3:5: log.levels.module0: ")
    assert reasons[-1] == "and 7 more"


def test_a_rule_that_quotes_the_value_does_not_show_it() -> None:
    (reason,) = refused("wechat: {robot_templates: {ops: {alarm_level: hidden}}}\n")
    assert "hidden" not in reason
