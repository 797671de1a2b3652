"""The two-phase apply over the resources."""

import asyncio

import pytest

from app.config import transaction
from app.config.compose import compose
from app.config.resource import Refused
from app.config.snapshot import Settings
from support.settings import RecordingResource, build_schema, documents


def settings_of(text: str) -> Settings:
    return compose(documents(text), build_schema()).settings


def test_only_resources_whose_section_differs_are_affected() -> None:
    database, orders = RecordingResource(), RecordingResource("orders", "orders")
    old, new = settings_of("orders: {limit: 1}\n"), settings_of("orders: {limit: 2}\n")
    assert transaction.affected((database, orders), new, old) == (orders,)


def test_a_hyphenated_section_is_found() -> None:
    resource = RecordingResource("executor", "xxl-job")
    assert transaction.section_of(resource, settings_of("xxl-job: {port: 9100}\n")).port == 9100


async def test_all_prepare_at_the_same_time() -> None:
    gate = asyncio.Event()
    first, second = RecordingResource("first", hold=gate), RecordingResource("second", hold=gate)
    work = asyncio.create_task(transaction.prepare((first, second), settings_of("{}\n"), None))
    async with asyncio.timeout(5):
        while not (first.calls and second.calls):
            await asyncio.sleep(0)
    gate.set()
    assert set((await work).values) == {"first", "second"}


@pytest.mark.parametrize(
    ("refusals", "transient"),
    [
        ([Refused("a", transient=True)], True),
        ([Refused("a", transient=True), Refused("b")], False),
        ([], False),
    ],
)
async def test_trying_again_helps_only_where_every_refusal_is_transient(
    refusals: list[Refused], transient: bool
) -> None:
    resources = [RecordingResource(f"r{number}", refuse=refusal) for number, refusal in enumerate(refusals)]
    prepared = await transaction.prepare(resources, settings_of("{}\n"), None)
    assert prepared.is_transient is transient


async def test_one_that_fails_to_close_does_not_keep_the_next_open() -> None:
    class Broken(RecordingResource):
        async def discard(self, value: str) -> None:
            raise OSError("stuck")

    good = RecordingResource("good")
    await transaction.discard((Broken("broken"), good), {"broken": "value", "good": "value"})
    assert good.calls == [("discard", "value")]
