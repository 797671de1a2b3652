"""Events of runs arrive on the control loop, in order, from any thread."""

import asyncio
import threading
from typing import cast

from app.jobs.run import Run
from app.xxl_job.executor.mailbox import Mailbox

RUN = cast("Run", object())


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
    mailbox, receiver = Mailbox(asyncio.get_running_loop()), Receiver()
    mailbox.receiver = receiver

    def work() -> None:
        mailbox.started(RUN)
        mailbox.settled(RUN)
        mailbox.ended(RUN)

    await asyncio.to_thread(work)
    await asyncio.sleep(0)
    here = threading.get_ident()
    assert receiver.seen == [("started", here), ("settled", here), ("ended", here)]


def test_events_after_the_loop_has_closed_are_nobodys() -> None:
    loop, receiver = asyncio.new_event_loop(), Receiver()
    mailbox = Mailbox(loop)
    mailbox.receiver = receiver
    loop.close()
    mailbox.ended(RUN)
    assert receiver.seen == []
