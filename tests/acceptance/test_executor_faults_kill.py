"""An executor that dies or is stopped under load: every run is accounted for over all of its lives."""

import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from app.testing.fake_console import Fault
from servers.waiting import wait_for
from support.faults import Scene, open_scene
from support.figures import TellFigures
from support.ledger_account import RESUMABLE
from support.load import Answered

CHANCE_SEED = 20261122
DRAIN_SECONDS = 2
MOODS = (None, None, Fault.SLOW, Fault.DROP, Fault.HTTP_500)


@dataclass(frozen=True)
class Kills:
    kills: int
    longest_life_seconds: float


SHORT, FULL = Kills(3, 0.8), Kills(50, 2.0)
NUMBERS = pytest.mark.parametrize(
    "scale",
    [
        pytest.param(SHORT, id="short"),
        pytest.param(FULL, id="full", marks=[pytest.mark.soak, pytest.mark.timeout(1500)]),
    ],
)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The same executor for all of it: what one test left, the next one's account holds, too."""
    with open_scene(tmp_path_factory.mktemp("kill"), drain_seconds=DRAIN_SECONDS) as opened:
        yield opened


def mixed_runs() -> Callable[[], dict[str, Any]]:
    """Short and long runs, of jobs of their own and of some that queue them, on the loop and in threads."""
    numbers = itertools.count()

    def fields_of_next() -> dict[str, Any]:
        number = next(numbers)
        handler = RESUMABLE if number % 10 == 0 else ("note_run", "note_run_in_thread")[number % 2]
        job = {"jobId": 5 + number % 3} if number % 4 == 1 else {}
        return {"handler": handler, "executorParams": ("0", "0.02", "0.3")[number % 3], **job}

    return fields_of_next


def kill_at_random(scene: Scene, scale: Kills, chance: random.Random) -> None:
    """Its console isn't always well meanwhile."""
    for _ in range(scale.kills):
        scene.console.fault = chance.choice(MOODS)
        time.sleep(chance.uniform(0.05, scale.longest_life_seconds))  # when it happens is the point
        scene.kill()
        scene.start()
    scene.console.fault = None


def deliver_again(scene: Scene, count: int) -> Counter[Answered]:
    """Triggers of former lives, as a console sends them that missed the answer."""
    chosen = [one.body for one in scene.load.sent if one.answered is Answered.ACCEPTED]
    step = max(1, len(chosen) // count)
    return Counter(scene.load.send_body(body).answered for body in chosen[::step][:count])


@NUMBERS
def test_whatever_moment_it_is_killed_at_every_run_is_accounted_for(
    scene: Scene, scale: Kills, tell_figures: TellFigures
) -> None:
    with scene.load.going_on(mixed_runs()):
        kill_at_random(scene, scale, random.Random(CHANCE_SEED))
    scene.settle(120)
    again = deliver_again(scene, 20)
    figures = scene.settle()
    tell_figures(f"killed {scale.kills} times: {figures.as_text()}; {again.total()} delivered again, none run")

    assert set(again) == {Answered.ACCEPTED}
    assert figures.lost > 0
    assert figures.resumed > 0
    assert figures.executed_twice == figures.unaccounted == 0


def test_what_a_stopped_executor_took_is_finished_or_told_to_be_shut_down_or_told_by_its_next_life(
    scene: Scene,
) -> None:
    lost_before = scene.settle().lost
    endless = scene.load.send_many(5, executorParams="60")
    sent = len(scene.load.sent)
    with scene.load.going_on(mixed_runs()):
        wait_for(lambda: len(scene.load.sent) > sent + 100, what="some load")
        begun = time.monotonic()
        assert scene.stop() == 0
        took = time.monotonic() - begun
    assert scene.untold() == set()
    stopped = [scene.console.outcome_of(one.log_id) for one in endless]

    scene.start()
    scene.console.stop()
    untold = {one.log_id for one in (*scene.load.send_many(20), *scene.load.send_many(2, executorParams="60"))}
    assert scene.stop() == 0
    assert scene.untold() == untold

    scene.console.start()
    scene.start()
    figures = scene.settle()

    assert took < DRAIN_SECONDS + 3
    assert stopped == [(500, "executor shutdown")] * 5
    assert (figures.lost, figures.unaccounted) == (lost_before, 0)
