"""Placeholders in values."""

from pathlib import Path

import pytest

from app.common.errors import SettingsRefused
from app.config.placeholders import PlaceholderSource, substitute

VARIABLES = {"DB_PASSWORD": "pa55", "EMPTY": ""}


@pytest.fixture
def secrets_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "secrets"
    (folder / "..data").mkdir(parents=True)
    (folder / "..data" / "db").write_text("from-file\n")
    (folder / "db").symlink_to(folder / "..data" / "db")
    (tmp_path / "outside").write_text("outside")
    (folder / "escape").symlink_to(tmp_path / "outside")
    return folder


@pytest.fixture
def source(secrets_dir: Path) -> PlaceholderSource:
    return PlaceholderSource(VARIABLES, secrets_dir)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("${DB_PASSWORD}", "pa55"),
        ("mysql://u:${DB_PASSWORD}@h", "mysql://u:pa55@h"),
        ("${ABSENT:fallback}", "fallback"),
        ("${ABSENT:}", ""),
        ("${EMPTY:fallback}", ""),
        ("${ABSENT:http://h:80/x}", "http://h:80/x"),
        ("$${DB_PASSWORD}", "${DB_PASSWORD}"),
        ("${file:db}", "from-file"),
        ("cost $5", "cost $5"),
    ],
)
def test_a_placeholder_is_filled_in(source: PlaceholderSource, text: str, filled: str) -> None:
    assert substitute({"a": {"b": [text]}}, source, "c.yaml").tree == {"a": {"b": [filled]}}


def test_substituted_values_are_known_by_path_and_value(source: PlaceholderSource) -> None:
    result = substitute({"database": {"password": "${DB_PASSWORD}", "port": 1}}, source, "c.yaml")
    assert result.origins == {("database", "password"): "env:DB_PASSWORD"}
    assert result.values == {"pa55"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("${ABSENT}", "a.b: environment variable ABSENT is not set"),
        ("${spring.application.name}", "a.b: a placeholder holds no valid variable name"),
        ("${OPEN", "a.b: a placeholder is not closed, or stands inside another"),
        ("${A:${B}}", "a.b: a placeholder is not closed, or stands inside another"),
        ("${file:../outside}", "a.b: file:../outside is outside SECRETS_DIR"),
        ("${file:escape}", "a.b: file:escape is outside SECRETS_DIR"),
        ("${file:absent}", "a.b: file:absent can't be read below SECRETS_DIR"),
    ],
)
def test_what_is_missing_or_not_allowed_refuses_by_name(source: PlaceholderSource, text: str, problem: str) -> None:
    with pytest.raises(SettingsRefused) as refused:
        substitute({"a": {"b": text}}, source, "c.yaml")
    assert refused.value.message.startswith(f"c.yaml: {problem}")


def test_every_missing_name_is_told_at_once(source: PlaceholderSource) -> None:
    with pytest.raises(SettingsRefused, match=r"ONE is not set; b: environment variable TWO is not set"):
        substitute({"a": "${ONE}", "b": "${TWO}"}, source, "c.yaml")


def test_only_listed_names_may_be_read_when_a_list_is_given(secrets_dir: Path) -> None:
    source = PlaceholderSource(VARIABLES, secrets_dir, frozenset({"EMPTY"}))
    assert substitute({"a": "${EMPTY}"}, source, "n.yaml").tree == {"a": ""}
    with pytest.raises(SettingsRefused, match=r"variable DB_PASSWORD is not listed in nacos\.allow_env"):
        substitute({"a": "${DB_PASSWORD}"}, source, "n.yaml")
