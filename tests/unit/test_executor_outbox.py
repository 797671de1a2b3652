"""The outbox: order, batches, patience, bounds."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from app.common.errors import UpstreamError
from app.xxl_job.executor.backoff import Backoff
from app.xxl_job.executor.callback import Callback
from app.xxl_job.executor.outbox import BATCH, BATCH_CHARACTERS, CallbackOutbox


def callback(number: int) -> Callback:
    return Callback(f"run-{number}", number, 1, 200, "ok")


class Post:
    """Takes batches, after refusing the first `refusals`; waits at `gate` if there is one."""

    def __init__(self, refusals: int = 0, gate: asyncio.Event | None = None) -> None:
        self.refusals = refusals
        self.gate = gate
        self.attempts: list[list[int]] = []
        self.accepted: list[int] = []

    async def __call__(self, batch: Sequence[Callback]) -> None:
        self.attempts.append([one.log_id for one in batch])
        if self.gate is not None:
            await self.gate.wait()
        if len(self.attempts) <= self.refusals:
            raise UpstreamError("not now")
        self.accepted += [one.log_id for one in batch]


@asynccontextmanager
async def working(post: Post, capacity: int = 1000) -> AsyncIterator[CallbackOutbox]:
    outbox = CallbackOutbox(post, capacity=capacity, backoff=Backoff(0.001, 0.002))
    async with asyncio.TaskGroup() as group:
        task = group.create_task(outbox.run())
        yield outbox
        task.cancel()


async def test_what_waits_together_is_sent_together_in_order() -> None:
    post = Post()
    async with working(post) as outbox:
        for number in range(BATCH + 50):
            outbox.add(callback(number))
        assert await outbox.flush(5) == 0

    assert post.accepted == list(range(BATCH + 50))
    assert [len(batch) for batch in post.attempts] == [BATCH, 50]


async def test_a_refused_batch_is_sent_again_unchanged_until_it_is_taken() -> None:
    post = Post(refusals=5)
    async with working(post) as outbox:
        outbox.add(callback(1))
        assert await outbox.flush(5) == 0

    assert post.attempts == [[1]] * 6
    assert post.accepted == [1]


async def test_a_flush_that_takes_too_long_tells_how_many_are_left() -> None:
    async with working(Post(gate=asyncio.Event())) as outbox:
        outbox.add(callback(1))
        outbox.add(callback(2))
        assert await outbox.flush(0.02) == 2
        assert len(outbox) == 2


async def test_the_bound_is_told_and_nothing_is_dropped() -> None:
    async with working(Post(gate=asyncio.Event()), capacity=2) as outbox:
        outbox.add(callback(1))
        assert not outbox.is_full
        outbox.add(callback(2))
        outbox.add(callback(3))
        assert outbox.is_full
        assert len(outbox) == 3


async def test_a_callback_on_its_way_may_be_known_to_the_console() -> None:
    gate = asyncio.Event()
    post = Post(gate=gate)
    async with working(post) as outbox:
        outbox.add(callback(1))
        assert outbox.is_untold("run-1")
        while not post.attempts:
            await asyncio.sleep(0)
        outbox.add(callback(2))
        assert (outbox.is_untold("run-1"), outbox.is_untold("run-2")) == (False, True)
        gate.set()
        await outbox.flush(5)
        assert not outbox.is_pending("run-1")


async def test_long_messages_make_small_batches() -> None:
    post = Post()
    async with working(post) as outbox:
        for number in range(6):
            outbox.add(Callback(f"run-{number}", number, 1, 500, "x" * 15_000))
        outbox.add(Callback("run-6", 6, 1, 500, "x" * (BATCH_CHARACTERS + 1)))
        assert await outbox.flush(5) == 0

    assert post.attempts == [[0, 1, 2, 3], [4, 5], [6]]
