import json
from pathlib import Path

import pytest

from support.raw_child import open_raw_child


def test_settings_are_in_force_before_the_run_that_comes_behind_them(tmp_path: Path) -> None:
    with open_raw_child(tmp_path) as child:
        child.read_until("ready")
        child.send_settings("shop: {limit: 4}\n", revision=9, md5="m" * 32)
        child.run("iso_settings")
        assert json.loads(child.settled()["text"]) == [4, None, None, 9, "m" * 32]


def test_a_child_that_cannot_follow_the_settings_leaves_before_the_run(tmp_path: Path) -> None:
    with open_raw_child(tmp_path) as child:
        child.read_until("ready")
        child.send_settings("shop: {limit: 4}\n", revision=2, text="server: {port: many}\n")
        child.run("iso_noop")
        child.exit_code()
        frames = [frame for arrived in iter(child.channel.receive, None) for frame in arrived]
    assert not any(frame["kind"] in {"begun", "settled"} for frame in frames)


def test_a_run_in_progress_is_not_disturbed_by_settings_that_the_child_cannot_follow(tmp_path: Path) -> None:
    with open_raw_child(tmp_path) as child:
        child.read_until("ready")
        child.run("iso_polite")
        child.read_until("line")
        child.send_settings("shop: {limit: 4}\n", revision=2, text="server: {port: many}\n")
        while "settings refused" not in [frame.get("message") for frame in child.read_until("line")]:
            assert not child.process.has_ended()
        child.channel.send({"kind": "stop"})
        assert child.read_until("ended")[-1] == {"kind": "ended"}
        assert child.exit_code() == 0


@pytest.mark.parametrize(("handler", "word"), [("iso_polite", "asked to stop"), ("iso_cancelled", "cancelled")])
def test_a_stop_reaches_plain_functions_and_coroutines(tmp_path: Path, handler: str, word: str) -> None:
    with open_raw_child(tmp_path) as child:
        child.read_until("ready")
        child.run(handler)
        child.read_until("line")
        child.channel.send({"kind": "stop"})
        assert word in [frame.get("message") for frame in child.read_until("ended")]


def test_a_run_that_is_stopped_while_it_waits_behind_settings_never_begins(tmp_path: Path) -> None:
    with open_raw_child(tmp_path) as child:
        child.read_until("ready")
        child.send_settings("shop: {limit: 4}\n", revision=2)
        child.run("iso_polite")
        child.channel.send({"kind": "stop"})
        assert child.read_until("ended")[-1] == {"kind": "ended"}
        child.run("iso_async")
        assert child.settled()["text"] == "async 1"


def test_a_stop_without_a_run_is_nothing(tmp_path: Path) -> None:
    with open_raw_child(tmp_path) as child:
        child.read_until("ready")
        child.channel.send({"kind": "stop"})
        child.run("iso_async")
        assert child.settled()["text"] == "async 1"
