"""The drain: what it waits for, what it stops, and that it keeps its time."""

import asyncio
import time
from typing import Any, cast

from app.xxl_job.executor.drain import Drain, until
from support.engine_desk import EngineDesk


class Console:
    """Registrar and outbox in one, as far as the drain knows them."""

    def __init__(self, left: int = 0) -> None:
        self.left = left
        self.said: list[str] = []

    async def deregister(self) -> None:
        self.said.append("goodbye")

    async def flush(self, seconds: float) -> int:
        self.said.append("flush")
        await asyncio.sleep(seconds if self.left else 0)
        return self.left


def draining(desk: EngineDesk, console: Console, *, hurry: bool = False) -> Drain:
    event = asyncio.Event()
    if hurry:
        event.set()
    return Drain(desk.engine, cast("Any", console), cast("Any", console), event)


async def test_an_idle_executor_leaves_at_once_and_says_goodbye() -> None:
    desk, console = EngineDesk(), Console()
    began = time.monotonic()
    assert await draining(desk, console).run(30) == 0
    assert time.monotonic() - began < 1
    assert sorted(console.said) == ["flush", "goodbye"]
    assert desk.engine.is_closing


async def test_a_run_may_finish_before_the_outcomes_go_out() -> None:
    desk, console = EngineDesk(), Console()
    run = desk.accept()
    assert run is not None
    drained = asyncio.create_task(draining(desk, console).run(30))
    await asyncio.sleep(0.05)
    assert "flush" not in console.said
    desk.settle_down()
    await drained
    assert desk.messages() == ["done"]


async def test_in_a_hurry_runs_get_their_outcome_at_once_and_callbacks_one_chance() -> None:
    desk, console = EngineDesk(), Console(left=3)
    desk.accept()
    began = time.monotonic()
    left = await draining(desk, console, hurry=True).run(30)
    desk.settle_down()
    assert (left, console.said.count("flush")) == (3, 1)
    assert time.monotonic() - began < 4
    assert desk.messages() == ["executor shutdown"]


async def test_until_says_whether_it_came_true_in_time() -> None:
    assert await until(lambda: True, 0)
    assert not await until(lambda: False, 0.05)
