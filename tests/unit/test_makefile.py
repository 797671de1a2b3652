"""The few words that everybody uses."""

import re
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_make_alone_lists_every_word() -> None:
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert re.findall(r"^  make ([a-z-]+)", listed, re.MULTILINE) == [
        "help", "install", "run", "test", "lint", "bench", "soak", "servers", "fork-check",
    ]  # fmt: skip


def test_soak_runs_what_the_other_tests_leave_out() -> None:
    would_run = subprocess.run(["make", "-n", "soak"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]

    assert "-m pytest -m soak" in would_run
    assert "-m 'not soak'" in options["addopts"]
