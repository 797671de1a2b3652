"""The fake Nacos in process: the service's own source over it, with every fault."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.common.errors import StartupError
from app.config.sources.nacos import NacosSource
from app.testing.fake_nacos import FakeNacos
from app.testing.memory_runtime import open_memory_runtime


@pytest.fixture
def nacos() -> FakeNacos:
    nacos = FakeNacos()
    nacos.publish("app.yaml", "orders: {limit: 1}\nlog: {console: false}\n")
    return nacos


class Service:
    """A runtime whose settings come from the fake."""

    def __init__(self, source: NacosSource, limit: Callable[[], object]) -> None:
        self.source = source
        self.limit = limit

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while not condition():
                await asyncio.sleep(0.002)

    async def until_connected(self) -> None:
        await self.until(lambda: self.source.status()["connected"])

    async def until_limit(self, limit: int) -> None:
        await self.until(lambda: self.limit() == limit)


@asynccontextmanager
async def service(nacos: FakeNacos, folder: Path) -> AsyncIterator[Service]:
    source = nacos.source(folder)
    async with open_memory_runtime(folder, overrides={"source": source}) as runtime:
        yield Service(source, lambda: runtime.settings.state.snapshot.settings.get("orders.limit"))


def limited(limit: int) -> str:
    return f"orders: {{limit: {limit}}}\nlog: {{console: false}}\n"


async def test_a_push_changes_the_settings_of_a_runtime(nacos: FakeNacos, tmp_path: Path) -> None:
    async with service(nacos, tmp_path) as running:
        assert running.limit() == 1
        await running.until_connected()
        nacos.publish("app.yaml", limited(2))
        await running.until_limit(2)


async def test_a_publish_from_another_thread_is_pushed(nacos: FakeNacos, tmp_path: Path) -> None:
    async with service(nacos, tmp_path) as running:
        await running.until_connected()
        publisher = threading.Thread(target=nacos.publish, args=("app.yaml", limited(2)))
        publisher.start()
        await running.until_limit(2)
        publisher.join()


async def test_a_dropped_stream_is_replaced(nacos: FakeNacos, tmp_path: Path) -> None:
    async with service(nacos, tmp_path) as running:
        await running.until_connected()
        nacos.drop_streams()
        await running.until(lambda: len(nacos.sessions) > 1)
        nacos.publish("app.yaml", limited(2))
        await running.until_limit(2)


async def test_a_deaf_session_loses_nothing(nacos: FakeNacos, tmp_path: Path) -> None:
    nacos.deaf = True
    async with service(nacos, tmp_path) as running:
        await running.until_connected()
        nacos.publish("app.yaml", limited(2))
        await running.until_limit(2)


async def test_a_stale_read_undoes_no_push(nacos: FakeNacos, tmp_path: Path) -> None:
    async with service(nacos, tmp_path) as running:
        await running.until_connected()
        nacos.publish("app.yaml", limited(2))
        await running.until_limit(2)
        nacos.read_stale(limited(1))
        reads = nacos.reads
        await running.until(lambda: nacos.reads >= reads + 3)
        assert running.limit() == 2


async def test_settings_serve_while_it_is_away_and_catch_up(nacos: FakeNacos, tmp_path: Path) -> None:
    async with service(nacos, tmp_path) as running:
        await running.until_connected()
        nacos.go_away()
        await running.until(lambda: running.source.status()["problem"])
        nacos.publish("app.yaml", limited(2))
        assert running.limit() == 1
        nacos.come_back()
        await running.until_limit(2)


async def test_a_start_while_it_is_away_takes_the_last_known_good(nacos: FakeNacos, tmp_path: Path) -> None:
    async with service(nacos, tmp_path):
        pass
    nacos.go_away()
    async with service(nacos, tmp_path) as running:
        assert (running.limit(), running.source.status()["from_last_good"]) == (1, True)


async def test_a_first_start_while_it_is_away_ends(nacos: FakeNacos, tmp_path: Path) -> None:
    nacos.go_away()
    with pytest.raises(StartupError, match="no last known good"):
        async with service(nacos, tmp_path):
            raise AssertionError("must not start")


async def test_what_hangs_is_answered_when_it_is_released(nacos: FakeNacos) -> None:
    nacos.hang()
    async with asyncio.TaskGroup() as group:
        read = group.create_task(nacos.read("public", "app.yaml"))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(read), 0.02)
        assert not read.done()
        nacos.release()
        assert await read == limited(1)


async def test_a_deleted_document_keeps_the_settings(nacos: FakeNacos, tmp_path: Path) -> None:
    async with service(nacos, tmp_path) as running:
        await running.until_connected()
        nacos.delete("app.yaml")
        await running.until(lambda: running.source.status()["absent"] == ["app.yaml"])
        assert running.limit() == 1
