"""Edits of the source are noticed."""

import os
from pathlib import Path

from app.cli.edits import Edits


def test_an_edit_an_addition_and_a_removal_are_each_noticed_once(tmp_path: Path) -> None:
    module, other = tmp_path / "a.py", tmp_path / "sub" / "b.py"
    module.write_text("one")
    edits = Edits(tmp_path)
    seen = [edits.happened()]
    os.utime(module, (2_000_000_000, 2_000_000_000))
    seen += [edits.happened(), edits.happened()]
    other.parent.mkdir()
    other.write_text("two")
    seen += [edits.happened(), edits.happened()]
    other.unlink()
    seen += [edits.happened(), edits.happened()]
    assert seen == [False, True, False, True, False, True, False]


def test_other_files_do_not_count(tmp_path: Path) -> None:
    edits = Edits(tmp_path)
    (tmp_path / "notes.txt").write_text("x")
    assert not edits.happened()
