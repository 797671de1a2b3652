from datetime import UTC, datetime

import pytest

from app.demo_business.models import Greeting
from app.demo_business.repository import GreetingRepository
from app.runtime import Runtime


def greeting(name: str) -> Greeting:
    moment = datetime(2031, 5, 1, 12, tzinfo=UTC)
    return Greeting(name=name, text=f"Hello {name}", echoed_by="host", trace_id="trace", created_at=moment)


async def test_a_greeting_has_its_id_before_the_transaction_ends(runtime: Runtime) -> None:
    async with runtime.db.transaction() as session:
        assert (await GreetingRepository(session).add(greeting("Ada"))).id == 1


async def test_the_transaction_belongs_to_the_caller(runtime: Runtime) -> None:
    async def add_and_fail() -> None:
        async with runtime.db.transaction() as session:
            await GreetingRepository(session).add(greeting("Ada"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await add_and_fail()

    async with runtime.db.transaction() as session:
        assert await GreetingRepository(session).list_newest(10) == []


async def test_what_was_written_is_read_back_newest_first(runtime: Runtime) -> None:
    async with runtime.db.transaction() as session:
        for name in ("Ada", "Grace"):
            await GreetingRepository(session).add(greeting(name))

    async with runtime.db.transaction() as session:
        found = await GreetingRepository(session).list_newest(10)

    assert [(each.name, each.created_at) for each in found] == [
        ("Grace", datetime(2031, 5, 1, 12, tzinfo=UTC)),
        ("Ada", datetime(2031, 5, 1, 12, tzinfo=UTC)),
    ]
