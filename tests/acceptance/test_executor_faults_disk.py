"""Disks that are full and folders that are gone: what can't be kept is refused, what was taken is told."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from servers.waiting import wait_for
from support.faults import Scene, open_scene
from support.load import Answered
from support.notes import read_notes
from support.small_disk import SmallDisk, small_disk


@dataclass
class Disks:
    """An executor whose data and job logs lie on small disks."""

    scene: Scene
    data: SmallDisk
    logs: SmallDisk


@pytest.fixture(scope="module")
def disks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disks]:
    home = tmp_path_factory.mktemp("disks")
    with small_disk(home / "data") as data, small_disk(home / "xxl_log") as logs, open_scene(home) as scene:
        yield Disks(scene, data, logs)


def test_on_a_full_data_disk_runs_are_refused_and_outcomes_wait_for_room(disks: Disks) -> None:
    scene, disk = disks.scene, disks.data
    under_way = scene.load.send_many(20, executorParams="1.5")
    wait_for(lambda: {one.log_id for one in under_way} <= set(read_notes(scene.notes)), what="every run's start")
    disk.fill()
    wait_for(lambda: scene.load.send().answered is Answered.REFUSED, what="a refusal")
    refused = scene.load.sent[-1]
    others = scene.load.send_many(10)
    assert scene.ask("/beat")["code"] == 200
    wait_for(lambda: scene.deployment.lines_with("run ledger can't be written", "executor"), what="the line")

    disk.make_room()

    wait_for(lambda: scene.load.send().answered is Answered.ACCEPTED, seconds=20, what="an accepted run")
    figures = scene.settle()
    told = {scene.console.outcome_of(one.log_id) for one in under_way}

    assert refused.message in {f"the run ledger can't be written: {why}" for why in ("disk full", "disk I/O error")}
    assert {one.answered for one in others} == {Answered.REFUSED}
    assert told == {(200, f"noted {one.log_id}") for one in under_way}
    assert figures.unaccounted == 0


def test_on_a_full_log_disk_runs_run_and_their_callbacks_say_that_the_log_is_missing(disks: Disks) -> None:
    scene, disk = disks.scene, disks.logs
    disk.fill()
    full = scene.load.send_many(20)
    scene.settle()
    disk.make_room()
    later = scene.load.send()
    figures = scene.settle()
    told = [scene.console.outcome_of(one.log_id) or (0, "") for one in full]
    told_later = scene.console.outcome_of(later.log_id)

    assert {code for code, _ in told} == {200}
    assert all("job log not written" in message for _, message in told), told
    assert told_later == (200, f"noted {later.log_id}")
    assert figures.unaccounted == 0
