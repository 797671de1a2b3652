"""What every floor of tests shares: the real servers, free ports, and the promise to leave the checkout as it was."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

from servers import ports

pytest_plugins = ["app.testing.plugin", "servers.fixtures", "support.figures"]

CHECKOUT = Path(__file__).resolve().parent.parent
NOT_LOOKED_AT = {".git", ".venv", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", "out"}


set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "tenon-hypothesis")
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")  # the same examples each time: what is new is looked for elsewhere


@pytest.fixture
def free_port() -> int:
    return ports.free_port()


@pytest.fixture(scope="session", autouse=True)
def checkout_stays_clean() -> Iterator[None]:
    """Tests write to temporary folders only. Checked where nobody edits meanwhile: with CI set."""
    before = files_in_checkout() if os.environ.get("CI") else set()
    yield
    if before and (left := files_in_checkout() - before):
        pytest.fail(f"the tests left files in the checkout: {sorted(left)[:10]}")


def files_in_checkout() -> set[str]:
    found: set[str] = set()
    for folder, folders, names in os.walk(CHECKOUT):
        folders[:] = [name for name in folders if name not in NOT_LOOKED_AT]
        found.update(str(Path(folder, name)) for name in names if not name.startswith(".coverage"))
    return found
