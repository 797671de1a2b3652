"""What the source knows, and what it makes of events."""

import asyncio

import pytest

from app.config.sources.base import Trigger
from app.config.sources.nacos_state import NacosState


@pytest.fixture
def state() -> NacosState:
    state = NacosState(("common.yaml", "app.yaml"))
    state.hold({"common.yaml": "a: 1", "app.yaml": "b: 1"})
    return state


def test_documents_stand_in_the_order_of_the_data_ids(state: NacosState) -> None:
    documents = state.documents({"app.yaml": "b", "common.yaml": "a"})
    assert [item.name for item in documents.items] == ["common.yaml", "app.yaml"]


async def test_a_pushed_text_is_delivered_with_all_the_others(state: NacosState) -> None:
    state.note_push("app.yaml", "b: 2")
    assert await state.next_change() == ({"common.yaml": "a: 1", "app.yaml": "b: 2"}, Trigger.PUSH)


async def test_of_several_texts_the_last_counts(state: NacosState) -> None:
    for text in ("b: 2", "b: 3", "b: 4"):
        state.note_push("app.yaml", text)
    state.note_push("common.yaml", "a: 2")
    assert await state.next_change() == ({"common.yaml": "a: 2", "app.yaml": "b: 4"}, Trigger.PUSH)


async def test_the_text_that_is_held_is_no_change(state: NacosState) -> None:
    state.note_push("app.yaml", "b: 1")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(state.next_change(), 0.01)
    assert state.pushed_at is None


async def test_a_change_that_was_taken_back_before_delivery_is_no_change(state: NacosState) -> None:
    state.note_push("app.yaml", "b: 2")
    state.note_push("app.yaml", "b: 1")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(state.next_change(), 0.01)


async def test_a_deleted_document_is_reported_and_its_text_stays(state: NacosState) -> None:
    state.note_push("app.yaml", None)
    assert state.absent == {"app.yaml"}
    assert state.held["app.yaml"] == "b: 1"
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(state.next_change(), 0.01)


def test_a_document_that_is_back_is_absent_no_longer(state: NacosState) -> None:
    state.note_read({"common.yaml": "a: 1", "app.yaml": None})
    state.note_read({"common.yaml": "a: 1", "app.yaml": "b: 1"})
    assert state.absent == set()


def test_an_absent_text_differs_from_nothing(state: NacosState) -> None:
    assert state.differing({"common.yaml": None, "app.yaml": "b: 2"}) == {"app.yaml": "b: 2"}


def test_a_text_that_waits_for_delivery_does_not_differ(state: NacosState) -> None:
    state.note_push("app.yaml", "b: 2")
    assert state.differing({"app.yaml": "b: 2"}) == {}
    assert state.differing({"app.yaml": "b: 1"}) == {"app.yaml": "b: 1"}


def test_the_last_known_good_has_caught_up_when_everything_agrees(state: NacosState) -> None:
    state.from_last_good = True
    state.note_read({"common.yaml": "a: 1", "app.yaml": "b: 2"})
    assert state.from_last_good
    state.note_read({"common.yaml": "a: 1", "app.yaml": "b: 1"})
    assert not state.from_last_good


async def test_a_last_known_good_that_nacos_confirms_is_delivered_once_more(state: NacosState) -> None:
    state.from_last_good = True
    state.note_read({"common.yaml": "a: 1", "app.yaml": "b: 1"})
    assert await state.next_change() == ({"common.yaml": "a: 1", "app.yaml": "b: 1"}, Trigger.POLL)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(state.next_change(), 0.01)


def test_a_problem_lasts_until_a_read_succeeds(state: NacosState) -> None:
    state.note_failure("no answer")
    assert state.problem == "no answer"
    state.note_read({"common.yaml": "a: 1", "app.yaml": "b: 1"})
    assert state.problem is None
    assert state.read_at is not None
