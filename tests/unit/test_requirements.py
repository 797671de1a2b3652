"""The exported requirements say everything pyproject.toml asks for, and nothing about where it came from."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = ["requirements.txt", "requirements-server.txt", "requirements-dev.txt"]
PIN = re.compile(r"^([a-z0-9-]+)(?:\[[a-z,-]+\])?==[^\s;]+")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def pinned(file: str) -> set[str]:
    return {found[1] for line in (ROOT / file).read_text().splitlines() if (found := PIN.match(line))}


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=;~! ]", requirement, maxsplit=1)[0].lower() for requirement in requirements}


@pytest.mark.parametrize("file", FILES)
def test_every_line_is_a_pin_and_none_names_an_index(file: str) -> None:
    lines = (ROOT / file).read_text().splitlines()

    assert [line for line in lines if not PIN.match(line)] == []
    assert not re.search(r"https?:|--\S*(index|find-links|trusted-host)", "\n".join(lines))


def test_both_processes_find_everything_they_need() -> None:
    wanted = names(PROJECT["project"]["dependencies"]) | names(PROJECT["project"]["optional-dependencies"]["xxl"])

    assert wanted - pinned("requirements.txt") == set()


def test_the_web_image_gets_everything_but_pyxxl() -> None:
    assert names(PROJECT["project"]["dependencies"]) - pinned("requirements-server.txt") == set()
    assert "pyxxl" not in pinned("requirements-server.txt")


def test_developers_get_the_same_and_the_tools() -> None:
    assert names(PROJECT["dependency-groups"]["dev"]) - pinned("requirements-dev.txt") == set()
    assert pinned("requirements.txt") - pinned("requirements-dev.txt") == set()


def test_one_package_has_one_version_in_all_files() -> None:
    versions = {file: set((ROOT / file).read_text().split("\n")) for file in FILES}
    pins = {file: {PIN.match(line)[0] for line in lines if PIN.match(line)} for file, lines in versions.items()}

    assert pins["requirements-server.txt"] <= pins["requirements.txt"] <= pins["requirements-dev.txt"]
