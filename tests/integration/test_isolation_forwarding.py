from pathlib import Path
from typing import Any

from support.raw_child import RawChild, open_raw_child


def lines_of(child: RawChild) -> list[Any]:
    return [frame for frame in child.read_until("ended") if frame["kind"] == "line"]


def test_lines_carry_where_they_come_from_and_levels_follow_the_settings(tmp_path: Path) -> None:
    with open_raw_child(tmp_path) as child:
        child.read_until("ready")
        child.run("iso_talk")
        told = {frame["message"]: frame for frame in lines_of(child)}
        assert list(told) == ["by ctx.log", "by loguru", "by logging", "by a thread"]
        assert told["by ctx.log"]["place"][:3] == ["support.isolated_jobs", "isolated_jobs", "iso_talk"]
        assert told["by ctx.log"]["extra"]["count"] == 3
        assert told["by logging"]["extra"] == {"logger": "some.library"}
        assert {frame["trace_id"] for frame in told.values()} == {"xxl-app-1"}
        child.send_settings("log: {level: WARNING}\n", revision=2)
        child.run("iso_talk")
        assert [frame["message"] for frame in lines_of(child)] == ["by logging"]


def test_no_line_of_the_child_is_in_a_file_of_its_own(tmp_path: Path) -> None:
    with open_raw_child(tmp_path) as child:
        child.read_until("ready")
        child.run("iso_talk")
        assert lines_of(child)
        assert list(tmp_path.rglob("*.log")) == []
        assert list(tmp_path.rglob("*.lock")) == []
