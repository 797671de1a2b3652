"""The few words that everybody uses."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_make_alone_lists_every_word() -> None:
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert re.findall(r"^  make ([a-z-]+)", listed, re.MULTILINE) == [
        "help", "install", "run", "test", "lint", "bench", "soak", "servers", "fork-check",
    ]  # fmt: skip
