"""Constants and what is derived from them."""

import pytest

from app.common.const import AlarmLevel, is_weak_secret


@pytest.mark.parametrize(
    "value", ["", "  ", "default_token", "DEFAULT_TOKEN", " changeme ", "<your token>", "${OPS_TOKEN}", "123456"]
)
def test_empty_well_known_and_placeholder_secrets_are_weak(value: str) -> None:
    assert is_weak_secret(value)


@pytest.mark.parametrize("value", ["x", "7", "correct horse", "default_token_of_ours"])
def test_a_short_secret_is_not_weak_for_being_short(value: str) -> None:
    assert not is_weak_secret(value)


def test_a_louder_level_is_a_higher_number() -> None:
    assert sorted(AlarmLevel) == [AlarmLevel.NORMAL, AlarmLevel.URGENT, AlarmLevel.CRITICAL, AlarmLevel.DISASTER]
