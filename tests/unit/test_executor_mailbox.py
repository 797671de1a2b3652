"""What happens in other threads arrives on the control loop, in order, many letters by one wake-up."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from app.jobs.run import Run
from app.xxl_job.executor.mailbox import Mailbox, PostedEvents
from support.jobs_support import build_run


class CountingLoop:
    """As much of a loop as the mailbox uses."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], Any]] = []

    def call_soon_threadsafe(self, callback: Callable[[], Any]) -> None:
        self.calls.append(callback)


class Receiver:
    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []

    def started(self, run: Run) -> None:
        self.seen.append(("started", threading.get_ident()))

    def settled(self, run: Run) -> None:
        self.seen.append(("settled", threading.get_ident()))

    def ended(self, run: Run) -> None:
        self.seen.append(("ended", threading.get_ident()))


async def test_events_of_another_thread_arrive_here_in_order() -> None:
    events, receiver, run = PostedEvents(Mailbox(asyncio.get_running_loop())), Receiver(), build_run()
    events.receiver = receiver

    def work() -> None:
        events.started(run)
        events.settled(run)
        events.ended(run)

    await asyncio.to_thread(work)
    await asyncio.sleep(0)
    here = threading.get_ident()
    assert receiver.seen == [("started", here), ("settled", here), ("ended", here)]


def test_many_letters_cost_one_wake_up() -> None:
    loop, seen = CountingLoop(), list[int]()
    mailbox = Mailbox(loop)  # type: ignore[arg-type]
    for number in range(100):
        mailbox.post(seen.append, number)
    (deliver,) = loop.calls
    deliver()
    assert seen == list(range(100))


def test_what_is_posted_while_letters_are_read_comes_with_the_next_wake_up() -> None:
    loop, seen = CountingLoop(), list[str]()
    mailbox = Mailbox(loop)  # type: ignore[arg-type]
    mailbox.post(lambda: mailbox.post(seen.append, "second"))
    loop.calls[0]()
    assert (seen, len(loop.calls)) == ([], 2)
    loop.calls[1]()
    assert seen == ["second"]


def test_a_receiver_that_fails_holds_up_no_later_letter() -> None:
    loop, seen = CountingLoop(), list[str]()
    mailbox = Mailbox(loop)  # type: ignore[arg-type]
    mailbox.post({}.pop, "nobody")
    mailbox.post(seen.append, "second")
    with pytest.raises(KeyError):
        loop.calls[0]()
    loop.calls[1]()
    assert seen == ["second"]


async def test_no_letter_of_many_threads_is_lost() -> None:
    mailbox, seen = Mailbox(asyncio.get_running_loop()), list[int]()
    threads = [
        threading.Thread(target=lambda: [mailbox.post(seen.append, number) for number in range(500)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    await asyncio.sleep(0.01)
    assert len(seen) == 4000


def test_events_after_the_loop_has_closed_are_nobodys() -> None:
    loop, receiver = asyncio.new_event_loop(), Receiver()
    events = PostedEvents(Mailbox(loop))
    events.receiver = receiver
    loop.close()
    events.ended(build_run())
    assert receiver.seen == []
