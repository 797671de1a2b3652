"""Child processes of `make run`."""

from pathlib import Path

import pytest

from app.cli.children import start


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


def test_what_a_child_prints_is_prefixed_with_its_name(modules: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (modules / "child_that_talks.py").write_text(
        "import sys\nprint('out')\nprint('err', file=sys.stderr)\nsys.exit(3)\n"
    )
    child = start("web", "child_that_talks")
    assert child.process.wait(20) == 3
    child.stop()
    lines = capfd.readouterr().out.splitlines()
    assert sorted(lines) == ["web      | err", "web      | out"]


def test_a_restarted_child_is_another_process_and_the_first_has_ended(modules: Path) -> None:
    (modules / "child_that_waits.py").write_text("import time\ntime.sleep(60)\n")
    first = start("executor", "child_that_waits")
    second = first.restarted()
    assert (first.exit_code, second.exit_code) == (-15, None)
    second.stop()
    assert second.exit_code == -15
