"""A console that is down or out of its mind while runs end: every outcome reaches it, unchanged, when it is well."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from app.testing.fake_console import Fault
from servers.waiting import wait_for
from support.faults import Scene, open_scene
from support.figures import TellFigures
from support.notes import read_notes

RUNS = 30
SLOW_SECONDS = 10
"""As long as an attempt may take."""


@dataclass(frozen=True)
class Outage:
    runs: int
    seconds: float


SHORT, FULL = Outage(200, 1), Outage(1000, 600)
LENGTHS = pytest.mark.parametrize(
    "outage",
    [
        pytest.param(SHORT, id="short"),
        pytest.param(FULL, id="full", marks=[pytest.mark.soak, pytest.mark.timeout(900)]),
    ],
)


@pytest.fixture(scope="module")
def shared_scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with open_scene(tmp_path_factory.mktemp("console")) as opened:
        yield opened


@pytest.fixture
def scene(shared_scene: Scene) -> Iterator[Scene]:
    """The same executor for every kind of failure; it has to be well again after each."""
    yield shared_scene
    shared_scene.console.fault = None
    wait_for(lambda: not shared_scene.runs(state="done"), seconds=30, what="an executor at rest")


def executed(scene: Scene, runs: int) -> bool:
    return len(read_notes(scene.notes)) >= runs and not scene.runs(state="accepted,queued,running")


@LENGTHS
def test_runs_that_end_while_the_console_is_down_are_all_told_when_it_is_back(
    scene: Scene, outage: Outage, tell_figures: TellFigures
) -> None:
    before, told = len(scene.load.sent), len(scene.console.callbacks)
    scene.console.stop()
    with scene.load.going_on(lambda: {"executorParams": "0.05"}, threads=1, pause_seconds=outage.seconds / outage.runs):
        wait_for(lambda: len(scene.load.sent) >= before + outage.runs, seconds=outage.seconds * 3 + 30)
    ended = len(scene.load.sent)
    wait_for(lambda: executed(scene, ended), seconds=30, what="the end of every run")
    assert len(scene.runs(state="done")) == ended - before
    assert len(scene.console.callbacks) == told

    scene.console.start()

    figures = scene.settle()
    tell_figures(figures.as_text())
    assert figures.succeeded == figures.accepted == ended


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        *(pytest.param(fault, 0, id=fault) for fault in Fault),
        *(pytest.param(fault, 25, id=f"{fault}-full", marks=pytest.mark.soak) for fault in Fault),
    ],
)
def test_outcomes_wait_for_a_console_that_fails_in_any_way(
    scene: Scene, fault: Fault, seconds: float, tell_figures: TellFigures
) -> None:
    """For longer than an attempt may take, at full size."""
    before, begun = len(scene.load.sent), time.monotonic()
    scene.console.faults.slow_seconds = SLOW_SECONDS
    scene.console.fault = fault
    with scene.load.going_on(dict, threads=1, pause_seconds=0.02):
        wait_for(
            lambda: len(scene.load.sent) >= before + RUNS and time.monotonic() >= begun + seconds, seconds=seconds + 20
        )
    sent = len(scene.load.sent)
    wait_for(lambda: executed(scene, sent), what="the end of every run")
    if fault is not Fault.SLOW:
        assert len(scene.runs(state="done")) == sent - before

    scene.console.fault = None

    figures = scene.settle()
    tell_figures(figures.as_text())
    assert figures.succeeded == figures.accepted == sent


def test_a_console_with_another_token_gets_the_outcomes_when_it_has_its_own_again(scene: Scene) -> None:
    before, token = len(scene.load.sent), scene.console.token
    scene.console.token = "somebody else's"
    scene.load.send_many(20)
    wait_for(lambda: executed(scene, before + 20), what="the end of every run")
    wait_for(lambda: len(scene.runs(state="done")) == 20, what="outcomes that wait")

    scene.console.token = token

    assert scene.settle().succeeded == before + 20
