import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.proc import is_running, needs_proc
from support.raw_child import open_raw_child

ROOT = Path(__file__).resolve().parents[2]


def gone_in_time(pid: int, seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while is_running(pid) and time.monotonic() < end:
        time.sleep(0.01)
    return not is_running(pid)


def test_a_child_gets_ready_runs_and_leaves_when_it_is_told_to(tmp_path: Path) -> None:
    with open_raw_child(tmp_path) as child:
        child.read_until("ready")
        child.run("iso_where", param="p")
        frames = child.read_until("ended")
        assert [frame["kind"] for frame in frames if frame["kind"] != "line"] == ["begun", "settled", "ended"]
        assert json.loads(frames[-2]["text"])["pid"] == child.process.pid
        child.channel.send({"kind": "close"})
        assert child.exit_code() == 0


def test_a_child_that_cannot_load_its_jobs_says_why(tmp_path: Path) -> None:
    with open_raw_child(tmp_path, packages=("support.no_such_module",)) as child:
        refused = child.read_until("refused")[-1]
        assert refused["message"].startswith("job module support.no_such_module can't be imported")
        assert child.exit_code() == 1


def test_an_unknown_job_is_a_failed_run(tmp_path: Path) -> None:
    with open_raw_child(tmp_path) as child:
        child.read_until("ready")
        child.run("iso_nobody")
        assert child.settled()["failure"]["type"] == "NotFoundError"


@needs_proc
def test_a_child_whose_channel_ends_kills_its_whole_group(tmp_path: Path) -> None:
    with open_raw_child(tmp_path) as child:
        child.read_until("ready")
        child.run("iso_deaf")
        extra = next(frame["extra"] for frame in child.read_until("line") if frame["kind"] == "line")
        child.channel.close()
        assert gone_in_time(child.process.pid)
        assert gone_in_time(extra["started"])


@needs_proc
@pytest.mark.parametrize("handler", ["iso_polite", "iso_wedged"])
def test_a_child_ends_with_a_parent_that_is_killed(tmp_path: Path, handler: str) -> None:
    command = [sys.executable, "-m", "support.isolation_parent", str(tmp_path), handler]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_running(pid)
        parent.kill()
    assert gone_in_time(pid)
