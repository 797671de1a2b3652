"""The web image has no pyxxl in it: the web process must not miss it."""

import os
from pathlib import Path

import httpx
import pytest

from support.processes import ROOT, Deployment


@pytest.fixture
def without_pyxxl(tmp_path: Path) -> Path:
    """A folder that, on the path of a Python process, makes `import pyxxl` fail as if it were not installed."""
    folder = tmp_path / "path"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text("import sys\nsys.modules['pyxxl'] = None\n")
    return folder


def test_web_serves_with_pyxxl_absent(tmp_path: Path, without_pyxxl: Path) -> None:
    with Deployment(tmp_path) as deployment:
        deployment.variables["PYTHONPATH"] = os.pathsep.join((str(without_pyxxl), str(ROOT)))
        deployment.write_config(deployment.document())

        deployment.start_web()

        assert httpx.get(f"{deployment.web_url}/health/live", trust_env=False).status_code == 200


def test_the_executor_says_what_it_lacks_with_pyxxl_absent(tmp_path: Path, without_pyxxl: Path) -> None:
    with Deployment(tmp_path) as deployment:
        deployment.variables["PYTHONPATH"] = os.pathsep.join((str(without_pyxxl), str(ROOT)))
        deployment.write_config(deployment.document())

        process = deployment.start("app.xxl_job.scheduler_server", "executor")

        assert process.wait() != 0
        assert "pyxxl" in process.output()
