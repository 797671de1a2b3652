"""The settings source's memory twin keeps the port's promises."""

import asyncio

import pytest

from app.common.errors import SourceUnavailable
from app.config.sources.base import Documents, Trigger
from app.config.sources.memory import MemorySource


async def test_a_published_text_is_delivered_as_a_push() -> None:
    source = MemorySource("a: 1\n")
    delivered: asyncio.Queue[tuple[str, Trigger]] = asyncio.Queue()

    async def deliver(documents: Documents, trigger: Trigger) -> None:
        await delivered.put((documents.items[0].text, trigger))

    task = asyncio.create_task(source.watch(deliver))
    source.publish("a: 2\n")
    assert await asyncio.wait_for(delivered.get(), 5) == ("a: 2\n", Trigger.PUSH)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_an_outage_is_told_and_never_reads_as_empty() -> None:
    source = MemorySource("a: 1\n")
    source.available = False
    with pytest.raises(SourceUnavailable):
        await source.fetch()


async def test_what_was_remembered_comes_back_marked() -> None:
    source = MemorySource("a: 1\n")
    assert await source.load_last_good() is None
    await source.remember(await source.fetch())
    last_good = await source.load_last_good()
    assert last_good is not None
    assert (last_good.items[0].text, last_good.from_last_good) == ("a: 1\n", True)
