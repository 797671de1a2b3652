"""A pytest plugin: what soak tests measured stands below their results, and in the file that SOAK_RESULTS names."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

_LINES = pytest.StashKey[list[str]]()

TellFigures = Callable[[str], None]


@pytest.fixture
def tell_figures(request: pytest.FixtureRequest) -> TellFigures:
    """Keeps one line of figures of this test, if it is one at full size."""

    def tell(text: str) -> None:
        if request.node.get_closest_marker("soak") is None:
            return
        request.config.stash.setdefault(_LINES, []).append(f"soak: {request.node.name}: {text}")
        if file := os.environ.get("SOAK_RESULTS"):
            with Path(file).open("a") as results:
                results.write(json.dumps({"test": request.node.nodeid, "figures": text}) + "\n")

    return tell


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(_LINES, []):
        terminalreporter.write_line(line)
