"""Jobs that block, die, write without end or lose their folder, seen by a console that goes on asking."""

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from servers.waiting import wait_for
from support.console_page import ConsolePage, numbers_in
from support.faults import Scene, open_scene
from support.figures import TellFigures
from support.load import CONSOLE_WAITS_SECONDS, Sent
from support.notes import read_notes

ASK_EACH_SECONDS = 0.2


@dataclass(frozen=True)
class Block:
    seconds: float
    lines: int


SHORT, FULL = Block(2, 20_000), Block(10, 1_000_000)
SCALES = pytest.mark.parametrize(
    "scale",
    [
        pytest.param(SHORT, id="short"),
        pytest.param(FULL, id="full", marks=[pytest.mark.soak, pytest.mark.timeout(900)]),
    ],
)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with open_scene(tmp_path_factory.mktemp("jobs")) as opened:
        yield opened


def page_of(scene: Scene, sent: Sent) -> ConsolePage:
    return ConsolePage(scene.console, scene.address, sent.body)


def is_told(scene: Scene, sent: Sent) -> bool:
    return scene.console.outcome_of(sent.log_id) is not None


def ask_everything(scene: Scene, blocking: Sent) -> tuple[list[float], list[Sent]]:
    """Every endpoint each 0.2 s until that run is told; how long each answer took, and what was triggered."""
    seconds: list[float] = []
    triggered: list[Sent] = []
    while not is_told(scene, blocking):
        for ask in (
            lambda: scene.ask("/beat"),
            lambda: scene.ask("/idleBeat", {"jobId": blocking.body["jobId"]}),
            lambda: triggered.append(scene.load.send("note_run_in_thread")),
            lambda: scene.ask("/kill", {"jobId": 1}),
            lambda: page_of(scene, blocking).pull(1),
        ):
            begun = time.monotonic()
            ask()
            seconds.append(time.monotonic() - begun)
        time.sleep(ASK_EACH_SECONDS)
    return seconds, triggered


@SCALES
def test_a_blocked_main_loop_delays_no_answer_and_no_run_of_another_job(
    scene: Scene, scale: Block, tell_figures: TellFigures
) -> None:
    blocking = scene.load.send("block_main_loop", executorParams=str(scale.seconds))
    wait_for(lambda: read_notes(scene.notes)[blocking.log_id], what="the start of the job that blocks")

    seconds, triggered = ask_everything(scene, blocking)

    told = [item["logId"] for item in scene.console.callbacks]
    meanwhile = sum(told.index(one.log_id) < told.index(blocking.log_id) for one in triggered if one.log_id in told)
    figures = scene.settle()
    tell_figures(
        f"main loop blocked {scale.seconds:g} s: {len(seconds)} answers, slowest {max(seconds):.3f} s, "
        f"{meanwhile} runs of other jobs finished meanwhile; {figures.as_text()}"
    )
    assert max(seconds) < CONSOLE_WAITS_SECONDS
    assert meanwhile > len(triggered) // 2
    assert {one.log_id for one in triggered} <= {run["log_id"] for run in scene.runs(outcome="success")}


@SCALES
def test_every_line_of_a_long_log_is_shown_once_while_it_is_written_and_afterwards(
    scene: Scene, scale: Block, tell_figures: TellFigures
) -> None:
    sent = scene.load.send("write_lines", executorParams=str(scale.lines))
    page = page_of(scene, sent)

    watched = numbers_in(page.watch())
    slowest, shown, begun = 0.0, [], time.monotonic()
    for text in page.pages():
        slowest, begun = max(slowest, time.monotonic() - begun), time.monotonic()
        shown += numbers_in(text)

    tell_figures(
        f"{scale.lines} lines: {len(watched)} watched, {len(shown)} shown afterwards, slowest page {slowest:.2f} s"
    )
    assert watched == list(range(scale.lines))
    assert shown == list(range(scale.lines))
    first = page.open_finished()
    assert numbers_in(first) == watched or f"python -m app job log {sent.log_id}" in first.splitlines()[-1]
    assert slowest < CONSOLE_WAITS_SECONDS


def test_a_child_that_is_killed_ends_its_run_only(scene: Scene) -> None:
    beside = scene.load.send(executorParams="0.3")
    dead = scene.load.send("die_in_process")
    next_one = scene.load.send("note_run_in_process")
    figures = scene.settle()

    code, message = scene.console.outcome_of(dead.log_id) or (0, "")
    assert code == 500
    assert "SIGKILL" in message
    for sent in (beside, next_one):
        assert scene.console.outcome_of(sent.log_id) == (200, f"noted {sent.log_id}")
    assert figures.unaccounted == 0


def test_runs_before_during_and_after_the_loss_of_the_log_folder_end_well(scene: Scene) -> None:
    before = scene.load.send_many(10)
    during = scene.load.send_many(10, executorParams="0.5")
    started = {one.log_id for one in (*before, *during)}
    wait_for(lambda: started <= set(read_notes(scene.notes)), what="every run's start")
    shutil.rmtree(scene.deployment.home / "xxl_log")
    after = scene.load.send_many(10)
    scene.settle()

    runs = (*before, *during, *after)
    assert [scene.console.outcome_of(one.log_id) for one in runs] == [(200, f"noted {one.log_id}") for one in runs]
    assert all("finished" in page_of(scene, one).open_finished() for one in (*during, *after))
