"""The plugin in a process of its own: what it imports, and the documented examples, run as a fork runs them."""

import re
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = CHECKOUT / "docs" / "testing.md"
BLOCK = re.compile(r"```python\n# (\w+\.py)\n(.*?)```", re.DOTALL)
CONFIGURATION = "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n"


def test_the_documented_examples_pass_in_a_project_of_their_own(tmp_path: Path) -> None:
    examples = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    for name, code in examples:
        (tmp_path / name).write_text(code, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text(CONFIGURATION + f"pythonpath = {CHECKOUT} {tmp_path}\n")

    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path]
    done = subprocess.run(command, check=False, cwd=tmp_path, timeout=100, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
    assert len([name for name, _ in examples if name.startswith("test_")]) >= 4


def test_the_kit_is_imported_without_pytest_and_the_plugin_imports_none_of_it() -> None:
    script = """
import sys
import app.testing.fake_console, app.testing.fake_nacos_server, app.testing.run_job, app.testing.robot_double
import app.testing.executor
assert not {"pytest", "_pytest"} & set(sys.modules)
"""
    plugin = """
import sys
import app.testing.plugin
print([name for name in sys.modules if name.startswith("app.") and not name.startswith("app.testing")])
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
    told = subprocess.run([sys.executable, "-c", plugin], check=True, timeout=60, capture_output=True, text=True)
    assert told.stdout == "[]\n"


def test_jobs_are_run_without_the_xxl_extra() -> None:
    script = """
import sys
sys.modules["pyxxl"] = sys.modules["aiohttp"] = None
import app.testing.fake_console, app.testing.fake_nacos_server
from app.testing.run_job import run_job_sync
run = run_job_sync("refresh_nacos_config_task", settings={"log": {"console": False}})
print(run.message)
"""
    done = subprocess.run([sys.executable, "-c", script], check=True, timeout=60, capture_output=True, text=True)
    assert done.stdout == "success: unchanged, revision 1, changed: nothing\n"
