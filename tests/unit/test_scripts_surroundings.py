import os
from pathlib import Path

import pytest

from app.jobs.context import JobContext
from app.xxl_job.executor.scripts.surroundings import ScriptFolders, build_environment
from support.script_context import build_script_context


def test_a_folder_is_private_and_goes_with_the_block(tmp_path: Path) -> None:
    with ScriptFolders(tmp_path / "scripts").open(7) as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "left.txt").write_text("x")
    assert list((tmp_path / "scripts").iterdir()) == []


def test_only_the_first_folder_sweeps_what_was_left(tmp_path: Path) -> None:
    folders = ScriptFolders(tmp_path / "scripts")
    (tmp_path / "scripts" / "1-left").mkdir(parents=True)
    with folders.open(1) as first, folders.open(2) as second:
        assert sorted((tmp_path / "scripts").iterdir()) == sorted([first, second])


def test_the_environment_names_the_run_and_nothing_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.setenv("APP__DATABASE__PASSWORD", "nobody-may-see")
    context: JobContext = build_script_context(log_id=9)
    environment = build_environment(context, tmp_path)
    assert environment.pop("TRACEPARENT").startswith("00-")
    assert environment == {
        "PATH": "/usr/bin",
        "HOME": str(tmp_path),
        "TMPDIR": str(tmp_path),
        "X_TRACE_ID": "xxl-app-9",
        "XXL_JOB_ID": "4",
        "XXL_JOB_LOG_ID": "9",
        "XXL_JOB_SHARD_INDEX": "1",
        "XXL_JOB_SHARD_TOTAL": "3",
        "XXL_JOB_ATTEMPT": "1",
    }
