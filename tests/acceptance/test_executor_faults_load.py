"""Many triggers, many runs: everything is answered in time, told, and given back."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from servers.waiting import wait_for
from support.faults import Scene, open_scene
from support.figures import TellFigures
from support.lines import send_at_once, send_in_a_row
from support.load import CONSOLE_WAITS_SECONDS, Answered
from support.proc import needs_proc

MEBIBYTE = 1024 * 1024
FEW_FILES = 8
"""Connections to the console and between threads come and go."""

pytestmark = needs_proc


@dataclass(frozen=True)
class Mass:
    triggers: int
    runs: int
    rss_bytes: int


SHORT, FULL = Mass(300, 1_000, 12 * MEBIBYTE), Mass(2_000, 100_000, 5 * MEBIBYTE)
SCALES = pytest.mark.parametrize(
    "scale",
    [
        pytest.param(SHORT, id="short"),
        pytest.param(FULL, id="full", marks=[pytest.mark.soak, pytest.mark.timeout(1200)]),
    ],
)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with open_scene(tmp_path_factory.mktemp("load")) as opened:
        yield opened


@SCALES
async def test_after_very_many_runs_memory_and_open_files_are_as_before(
    scene: Scene, scale: Mass, tell_figures: TellFigures
) -> None:
    """Listing every run takes memory of its own, once: the first account comes after the measurement."""
    warm_up = [scene.load.build() for _ in range(scale.runs // 10)]
    await send_in_a_row(scene.load, warm_up)
    wait_for(lambda: not scene.untold(), seconds=60, what="every callback")
    files, rss = scene.open_files(), scene.rss_bytes()
    await send_in_a_row(scene.load, (scene.load.build() for _ in range(scale.runs)))
    wait_for(lambda: not scene.untold(), seconds=60, what="every callback")
    grown = scene.rss_bytes() - rss
    figures = scene.settle()
    wait_for(lambda: scene.open_files() <= files + FEW_FILES, what="its files closed")

    tell_figures(
        f"{scale.runs} runs: RSS {rss / MEBIBYTE:.1f} MiB {grown / MEBIBYTE:+.1f}, files {files} before and "
        f"{scene.open_files()} after; {figures.as_text()}"
    )
    assert grown < scale.rss_bytes
    assert figures.succeeded == figures.accepted


@SCALES
async def test_triggers_that_come_all_at_once_are_all_answered_in_time_and_told(
    scene: Scene, scale: Mass, tell_figures: TellFigures
) -> None:
    files = scene.open_files()
    before = len(scene.load.sent)
    first = await send_at_once(scene.load, [scene.load.build() for _ in range(scale.triggers)])
    scene.settle()
    rss = scene.rss_bytes()
    second = await send_at_once(scene.load, [scene.load.build() for _ in range(scale.triggers)])
    figures = scene.settle()
    wait_for(lambda: scene.open_files() <= files + FEW_FILES, what="its files closed")
    grown = scene.rss_bytes() - rss

    slowest = max(one.seconds for one in (*first, *second))
    accepted = sum(one.answered is Answered.ACCEPTED for one in (*first, *second))
    tell_figures(
        f"twice {scale.triggers} at once: accepted {accepted}, slowest answer {slowest:.2f} s, files {files} before "
        f"and {scene.open_files()} after, RSS of the second time {grown / MEBIBYTE:+.1f} MiB; {figures.as_text()}"
    )
    assert {one.answered for one in (*first, *second)} <= {Answered.ACCEPTED, Answered.REFUSED}
    assert accepted >= scale.triggers
    assert slowest < CONSOLE_WAITS_SECONDS
    assert grown < SHORT.rss_bytes
    assert figures.sent == before + 2 * scale.triggers
