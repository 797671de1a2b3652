from pathlib import Path

import pytest

from app.common.log_copy import LineCopy, line_copy_var
from app.xxl_job.executor.scripts.execution import ScriptFailed
from app.xxl_job.executor.scripts.glue_job import run_glue
from app.xxl_job.executor.scripts.kinds import KINDS, ScriptKind
from app.xxl_job.executor.scripts.surroundings import ScriptFolders
from support.script_context import build_script_context


def test_a_script_is_called_with_parameter_index_and_total(tmp_path: Path) -> None:
    lines: list[str] = []
    token = line_copy_var.set(LineCopy(lines.append))
    try:
        result = run_glue(KINDS["GLUE_SHELL"], 'echo "$@"', ScriptFolders(tmp_path), build_script_context(param="a b"))
    finally:
        line_copy_var.reset(token)
    assert result == ""
    assert [line.partition("[script:output:0] ")[2] for line in lines if "[script:" in line] == ["a b 1 3\n"]


def test_a_parameter_that_no_process_can_take_is_a_failure_that_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ScriptFailed, match="can't be started: Argument list too long"):
        run_glue(KINDS["GLUE_SHELL"], "true", ScriptFolders(tmp_path), build_script_context(param="x" * 3_000_000))
    assert list(tmp_path.iterdir()) == []


def test_an_interpreter_that_cannot_run_is_a_failure(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("")
    broken.chmod(0o755)
    kind = ScriptKind("GLUE_SHELL", ".sh", (str(broken),))
    with pytest.raises(ScriptFailed, match="broken can't be started: Exec format error"):
        run_glue(kind, "true", ScriptFolders(tmp_path / "scripts"), build_script_context())
