"""Which level counts for which name."""

import pytest

from app.common.log_options import LevelTable


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("app.web.server", 10),
        ("app.web", 10),
        ("app.web.server.deep", 40),
        ("app.website", 30),
        ("app", 30),
        ("other", 20),
        ("", 20),
    ],
)
def test_the_longest_prefix_of_whole_names_wins(name: str, expected: int) -> None:
    levels = LevelTable("INFO", {"app": "WARNING", "app.web": "DEBUG", "app.web.server.deep": "ERROR"})
    assert levels.number(name) == expected


def test_noisy_libraries_are_quiet_unless_the_settings_say_otherwise() -> None:
    assert LevelTable("DEBUG", {}).number("httpx._client") == 30
    assert LevelTable("DEBUG", {"httpx": "INFO"}).number("httpx._client") == 20


def test_the_lowest_level_covers_every_name() -> None:
    assert LevelTable("WARNING", {"app.db": "debug"}).lowest == 10


def test_names_without_end_do_not_fill_the_memory() -> None:
    levels = LevelTable("INFO", {"pyxxl": "ERROR"})
    for number in range(10_000):
        assert levels.number(f"pyxxl.task-{number}") == 40
    assert len(levels._cache) <= 4096


def test_tables_are_the_same_when_they_let_the_same_lines_through() -> None:
    assert LevelTable("INFO", {"a": "DEBUG"}).is_same(LevelTable("info", {"a": "debug"}))
    assert not LevelTable("INFO", {"a": "DEBUG"}).is_same(LevelTable("INFO", {}))
