"""Each house rule catches its violation and lets the clean twin pass."""

import subprocess
from pathlib import Path

import pytest

import house_rules

CLEAN_MODULE = """def double(number: int) -> int:
    return number * 2
"""
CLEAN_TEST = """def test_doubling() -> None:
    assert 1 + 1 == 2
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    for folder in ("app", "bench", "tests"):
        (tmp_path / folder).mkdir()
    (tmp_path / "app" / "doubling.py").write_text(CLEAN_MODULE)
    (tmp_path / "tests" / "test_doubling.py").write_text(CLEAN_TEST)
    return tmp_path


def broken(checkout: Path) -> list[str]:
    subprocess.run(["git", "-C", checkout, "add", "-A"], check=True)
    return [violation.message for violation in house_rules.check(checkout)]


def test_a_clean_tree_keeps_the_rules(checkout: Path) -> None:
    assert broken(checkout) == []


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("app/doubling.py", CLEAN_MODULE + "x = 1\n" * 400, "402 lines, 400 at most"),
        ("app/doubling.py", "def long() -> None:\n" + "    print()\n" * 61, "long has 62 lines, 60 at most"),
        ("app/doubling.py", "def bare(number):\n    return number\n", "bare has slots without a type"),
        ("app/doubling.py", "import app.halving\n", "app.doubling can reach itself through imports"),
        ("app/doubling.py", "try:\n    x = 1\nexcept Exception:\n    x = 2\n" * 2, "2 broad excepts"),
        ("app/doubling.py", "x = 1  # noqa: F401\n" * 2, "2 linter suppressions"),
        ("app/doubling.py", "handle = open('x')\n", "open(...) runs while the module is imported"),
        ("app/doubling.py", "class A:\n    t = threading.Thread()\n", "threading.Thread(...) runs while"),
        ("app/doubling.py", "def f() -> None:\n    log.bind(a=1).info(f'{1}')\n", "log a constant phrase"),
        ("app/service.py", "def f(s: int) -> None:\n    s.commit()\n", "commit belongs to the edge"),
        ("app/alone.py", CLEAN_MODULE, "no test is named for it (test_alone*.py)"),
        ("tests/test_idle.py", "def test_idle() -> None:\n    print()\n", "test_idle asserts nothing"),
        ("tests/test_mock.py", "from unittest.mock import Mock\n", "instead of a mock"),
        ("notes.md", "see /ro" + "ot/notes\n", "which is not the project's"),
        ("notes.md", "pip install -i https://py" + "pi.org/simple\n", "which is not the project's"),
    ],
)
def test_a_violation_is_named(checkout: Path, file: str, text: str, expected: str) -> None:
    (checkout / "app" / "__init__.py").touch()
    (checkout / "app" / "halving.py").write_text("import app.doubling\n")
    (checkout / file).write_text(text)

    assert [message for message in broken(checkout) if expected in message]


def test_work_inside_functions_and_main_blocks_is_allowed(checkout: Path) -> None:
    (checkout / "app" / "doubling.py").write_text(
        "def read() -> str:\n    return open('x').read()\n\n\nif __name__ == '__main__':\n    open('x')\n"
    )

    assert broken(checkout) == []


def test_a_contract_suite_covers_a_port_and_its_memory_twin(checkout: Path) -> None:
    (checkout / "app" / "cache").mkdir()
    (checkout / "app" / "cache" / "memory.py").write_text(CLEAN_MODULE)
    (checkout / "tests" / "test_cache_contract.py").write_text(CLEAN_TEST)

    assert broken(checkout) == []
