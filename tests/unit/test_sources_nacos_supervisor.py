"""The listener is kept alive, and is not believed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from app.config.nacos_config import build_nacos_connection
from app.config.sources.base import Trigger
from app.config.sources.nacos_reader import DocumentReader
from app.config.sources.nacos_state import NacosState
from app.config.sources.nacos_supervisor import Comparison, Listener, Timing
from app.testing.fake_nacos import FakeNacos

QUICK = Timing(
    start_delay=0, connect=1, check=0.005, compare=0.02, confirm=0.01, grace=0, unconnected=0.03, pause=0.005,
    max_pause=0.02,
)  # fmt: skip
ONCE_A_DAY = 86_400.0


class Supervised:
    """A listener and a comparison over a fake Nacos that holds `app.yaml`."""

    def __init__(self, timing: Timing, nacos: FakeNacos) -> None:
        connection = build_nacos_connection({"host": "nacos", "data_id": "app.yaml"}, {})
        self.nacos = nacos
        self.state = NacosState(connection.data_ids)
        self.reader = DocumentReader(connection, nacos)
        self.listener = Listener(self.reader, self.state, nacos.connect, timing)
        self.comparison = Comparison(self.reader, self.state, self.listener, timing)
        nacos.publish("app.yaml", "a: 1")
        self.state.hold({"app.yaml": "a: 1"})

    async def next_text(self) -> tuple[str, Trigger]:
        texts, trigger = await asyncio.wait_for(self.state.next_change(), 5)
        self.state.hold(texts)
        return texts["app.yaml"], trigger

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():
                await asyncio.sleep(0.002)

    async def until_session(self, number: int) -> None:
        await self.until(lambda: len(self.nacos.sessions) == number and self.listener.connected)


@asynccontextmanager
async def supervised(timing: Timing = QUICK, nacos: FakeNacos | None = None) -> AsyncIterator[Supervised]:
    it = Supervised(timing, nacos or FakeNacos())
    tasks = [asyncio.create_task(it.listener.run()), asyncio.create_task(it.comparison.run())]
    try:
        yield it
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert all(session.closed for session in it.nacos.sessions)


async def test_a_push_arrives() -> None:
    async with supervised(replace(QUICK, compare=ONCE_A_DAY)) as it:
        await it.until_session(1)
        it.nacos.publish("app.yaml", "a: 2")
        assert await it.next_text() == ("a: 2", Trigger.PUSH)


async def test_a_listener_that_died_is_replaced_and_the_new_one_hears() -> None:
    async with supervised(replace(QUICK, compare=ONCE_A_DAY)) as it:
        await it.until_session(1)
        it.nacos.sessions[0].died = "the SDK's listen task ended"
        await it.until_session(2)
        assert it.nacos.sessions[0].closed
        it.nacos.publish("app.yaml", "a: 2")
        assert await it.next_text() == ("a: 2", Trigger.PUSH)
        assert it.listener.rebuilds == 1


async def test_a_change_made_while_nobody_listened_is_caught_up_by_the_new_listener() -> None:
    async with supervised(replace(QUICK, compare=ONCE_A_DAY)) as it:
        await it.until_session(1)
        it.nacos.sessions[0].died = "the SDK's listen task ended"
        it.nacos.publish("app.yaml", "a: 2")
        assert (await it.next_text())[0] == "a: 2"


async def test_what_a_deaf_listener_did_not_tell_is_found_by_reading_and_it_is_replaced() -> None:
    async with supervised() as it:
        await it.until_session(1)
        it.nacos.deaf = True
        it.nacos.publish("app.yaml", "a: 2")
        assert await it.next_text() == ("a: 2", Trigger.POLL)
        await it.until_session(2)


async def test_a_young_listener_is_not_called_deaf() -> None:
    async with supervised(replace(QUICK, grace=ONCE_A_DAY)) as it:
        await it.until_session(1)
        it.nacos.deaf = True
        it.nacos.publish("app.yaml", "a: 2")
        assert await it.next_text() == ("a: 2", Trigger.POLL)
        await asyncio.sleep(0.05)
        assert len(it.nacos.sessions) == 1


async def test_a_listener_that_told_everything_is_left_alone() -> None:
    async with supervised() as it:
        await it.until_session(1)
        for number in range(2, 6):
            it.nacos.publish("app.yaml", f"a: {number}")
            assert (await it.next_text())[0] == f"a: {number}"
            await asyncio.sleep(0.03)
        assert it.listener.rebuilds == 0


async def test_a_stale_read_is_not_believed() -> None:
    it = Supervised(replace(QUICK, confirm=0), FakeNacos())
    it.nacos.read_stale("a: 0")
    await it.comparison.compare()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(it.state.next_change(), 0.01)


async def test_reads_that_keep_changing_are_repeated_until_two_agree() -> None:
    it = Supervised(replace(QUICK, confirm=0), FakeNacos())
    it.nacos.read_stale("a: 2", "a: 3", "a: 4")
    it.nacos.publish("app.yaml", "a: 4")
    await it.comparison.compare()
    assert await it.next_text() == ("a: 4", Trigger.POLL)


async def test_the_second_read_waits_for_the_servers_to_agree() -> None:
    it = Supervised(replace(QUICK, confirm=0.05), FakeNacos())
    it.nacos.publish("app.yaml", "a: 2")
    started = asyncio.get_running_loop().time()
    await it.comparison.compare()
    assert asyncio.get_running_loop().time() - started >= 0.05


async def test_a_push_during_the_second_look_is_not_undone_by_it() -> None:
    it = Supervised(replace(QUICK, confirm=0.02), FakeNacos())
    it.nacos.read_stale("a: 0")
    look = asyncio.create_task(it.comparison.compare())
    await asyncio.sleep(0.005)
    it.nacos.publish("app.yaml", "a: 2")
    it.state.note_push("app.yaml", "a: 2")
    await look
    assert await it.next_text() == ("a: 2", Trigger.PUSH)


async def test_a_session_in_the_wrong_namespace_is_replaced() -> None:
    nacos = FakeNacos(public_is="")
    async with supervised(nacos=nacos) as it:
        await it.until(lambda: bool(nacos.sessions) and nacos.sessions[-1].namespace == "" and it.listener.connected)
        nacos.publish("app.yaml", "a: 2")
        assert (await it.next_text())[0] == "a: 2"


async def test_a_session_that_does_not_reconnect_although_nacos_answers_is_replaced() -> None:
    async with supervised() as it:
        await it.until_session(1)
        it.nacos.sessions[0].connected = False
        await it.until_session(2)


async def test_a_session_is_left_to_reconnect_while_nacos_is_away() -> None:
    async with supervised() as it:
        await it.until_session(1)
        it.nacos.http_answers = it.nacos.grpc_answers = False
        await it.until(lambda: it.state.problem is not None)
        it.nacos.sessions[0].connected = False
        await asyncio.sleep(0.1)
        assert it.listener.rebuilds == 0


async def test_changes_are_found_by_reading_while_no_listener_can_be_had() -> None:
    nacos = FakeNacos()
    nacos.grpc_answers = False
    async with supervised(nacos=nacos) as it:
        await it.until(lambda: it.state.listener_problem is not None)
        assert it.state.listener_problem == "the fake Nacos does not answer over gRPC"
        nacos.publish("app.yaml", "a: 2")
        assert await it.next_text() == ("a: 2", Trigger.POLL)
        nacos.grpc_answers = True
        await it.until_session(1)
        assert it.state.listener_problem is None


async def test_an_outage_is_reported_and_survived() -> None:
    async with supervised() as it:
        it.nacos.http_answers = it.nacos.grpc_answers = False
        await it.until(lambda: it.state.problem is not None)
        assert it.state.problem == "the fake Nacos does not answer over HTTP"
        it.nacos.publish("app.yaml", "a: 2")
        it.nacos.http_answers = it.nacos.grpc_answers = True
        assert (await it.next_text())[0] == "a: 2"
        await it.until(lambda: it.state.problem is None)


async def test_a_client_that_fails_in_an_unexpected_way_does_not_end_the_watch() -> None:
    nacos = FakeNacos()
    connect, failures = nacos.connect, [AttributeError("'NoneType' has no attribute"), RuntimeError("loop")]

    async def fragile(namespace: str) -> object:
        if failures:
            raise failures.pop()
        return await connect(namespace)

    nacos.connect = fragile  # type: ignore[assignment]
    async with supervised(nacos=nacos) as it:
        await it.until_session(1)
        assert failures == []


async def test_connecting_has_a_deadline() -> None:
    nacos = FakeNacos()

    async def hanging(namespace: str) -> object:
        await asyncio.Event().wait()
        raise AssertionError

    nacos.connect = hanging  # type: ignore[assignment]
    async with supervised(replace(QUICK, connect=0.01), nacos) as it:
        await it.until(lambda: it.state.listener_problem is not None)
        assert it.state.listener_problem == "connecting took too long"


def test_pauses_double_up_to_a_limit_and_are_spread() -> None:
    timing = Timing()
    for failures, expected in ((0, 1.0), (1, 2.0), (4, 16.0), (10, 60.0), (10_000, 60.0)):
        pauses = {timing.backoff(failures, 60) for _ in range(20)}
        assert all(expected * 0.8 <= pause <= expected * 1.2 for pause in pauses)
        assert len(pauses) > 1
