"""The fake Nacos over its sockets: the service's own source and the real SDK work against it, faults included."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.common.errors import SourceUnavailable
from app.config.nacos_config import NacosConnection, build_nacos_connection
from app.config.sources.base import Documents, Trigger
from app.config.sources.nacos import NacosSource
from app.config.sources.nacos_api import NacosApi
from app.config.sources.nacos_http import NacosHttp
from app.config.sources.nacos_login import NacosLogin
from app.config.sources.nacos_supervisor import Timing
from app.testing.fake_nacos_server import FakeNacosServer

QUICK = Timing(start_delay=0, check=0.02, compare=0.2, confirm=0.02, grace=0.5, pause=0.05, max_pause=0.1)


@pytest.fixture
def nacos() -> Iterator[FakeNacosServer]:
    with FakeNacosServer() as opened:
        opened.publish("app.yaml", "a: 1")
        yield opened


def connection_to(nacos: FakeNacosServer, **section: Any) -> NacosConnection:
    return build_nacos_connection(nacos.section(**section), {})


class Told:
    """Who the source delivers to."""

    def __init__(self, source: NacosSource) -> None:
        self.source = source
        self.got: list[tuple[str, Trigger]] = []

    async def __call__(self, documents: Documents, trigger: Trigger) -> None:
        await self.source.remember(documents)
        self.got.append((documents.items[0].text, trigger))

    async def until_text(self, text: str) -> Trigger:
        await self.until(lambda: self.got and self.got[-1][0] == text)
        return self.got[-1][1]

    async def until_connected(self) -> None:
        await self.until(lambda: self.source.status()["connected"])

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(15):
            while not condition():
                await asyncio.sleep(0.01)


@asynccontextmanager
async def watched(nacos: FakeNacosServer, folder: Path, *, timing: Timing = QUICK) -> AsyncIterator[Told]:
    source = NacosSource(connection_to(nacos), folder, timing=timing)
    await source.open()
    told = Told(source)
    task = asyncio.create_task(source.watch(told))
    yield told
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await source.close()


async def test_a_publish_is_pushed_over_grpc(nacos: FakeNacosServer, tmp_path: Path) -> None:
    async with watched(nacos, tmp_path, timing=Timing(start_delay=0, check=0.02)) as told:
        await told.until_connected()
        nacos.publish("app.yaml", "a: 2")
        assert await told.until_text("a: 2") is Trigger.PUSH
        nacos.publish("app.yaml", "a: 3")
        assert await told.until_text("a: 3") is Trigger.PUSH


async def test_a_dropped_stream_is_replaced_and_pushes_go_on(nacos: FakeNacosServer, tmp_path: Path) -> None:
    async with watched(nacos, tmp_path) as told:
        await told.until(lambda: nacos.grpc.listening)
        nacos.drop_streams()
        assert nacos.grpc.listening == 0
        await told.until(lambda: nacos.grpc.listening)
        nacos.publish("app.yaml", "a: 2")
        await told.until_text("a: 2")


async def test_what_a_deaf_session_is_not_told_is_read(nacos: FakeNacosServer, tmp_path: Path) -> None:
    nacos.deaf = True
    async with watched(nacos, tmp_path, timing=replace(QUICK, grace=0)) as told:
        await told.until_connected()
        nacos.publish("app.yaml", "a: 2")
        assert await told.until_text("a: 2") is Trigger.POLL
        await told.until(lambda: told.source.status()["rebuilds"])


async def test_a_server_that_was_away_is_heard_again_on_the_same_ports(nacos: FakeNacosServer, tmp_path: Path) -> None:
    async with watched(nacos, tmp_path) as told:
        await told.until_connected()
        before = nacos.section()
        nacos.stop()
        await told.until(lambda: told.source.status()["problem"])
        nacos.publish("app.yaml", "a: 2")
        nacos.start()
        assert nacos.section() == before
        await told.until_text("a: 2")
        await told.until_connected()


async def test_a_push_that_was_made_stale_by_reads_is_not_undone(nacos: FakeNacosServer, tmp_path: Path) -> None:
    async with watched(nacos, tmp_path) as told:
        await told.until_connected()
        nacos.read_stale("a: 1")
        nacos.publish("app.yaml", "a: 2")
        await told.until_text("a: 2")
        reads = nacos.reads
        await told.until(lambda: nacos.reads >= reads + 3)
        assert [text for text, _ in told.got] == ["a: 2"]


async def test_an_expired_token_is_fetched_anew(nacos: FakeNacosServer) -> None:
    async with reading(nacos) as http:
        assert await http.read("public", "app.yaml") == "a: 1"
        nacos.tokens.expire()
        assert await http.read("public", "app.yaml") == "a: 1"


async def test_refused_logins_are_403(nacos: FakeNacosServer) -> None:
    nacos.tokens.refuses_logins = True
    async with reading(nacos) as http:
        with pytest.raises(SourceUnavailable, match="HTTP 403"):
            await http.read("public", "app.yaml")


async def test_a_wrong_password_is_403(nacos: FakeNacosServer) -> None:
    async with reading(nacos, password="another") as http:
        with pytest.raises(SourceUnavailable, match="HTTP 403"):
            await http.read("public", "app.yaml")


@pytest.mark.parametrize("version", [1, 3])
async def test_both_dialects_of_http_are_spoken(nacos: FakeNacosServer, version: int) -> None:
    nacos.http.versions = {version}
    async with reading(nacos) as http:
        assert await http.read("public", "app.yaml") == "a: 1"
        assert await http.read("public", "absent.yaml") is None
        assert await http.read("elsewhere", "app.yaml") is None


async def test_another_group_has_no_document(nacos: FakeNacosServer) -> None:
    async with reading(nacos, group="ANOTHER") as http:
        assert await http.read("public", "app.yaml") is None


async def test_it_accepts_and_never_answers_until_it_is_released(nacos: FakeNacosServer) -> None:
    nacos.hang()
    async with reading(nacos) as http, asyncio.TaskGroup() as group:
        read = group.create_task(http.read("public", "app.yaml"))
        done, _ = await asyncio.wait({read}, timeout=0.1)
        assert done == set()
        nacos.release()
        assert await read == "a: 1"


@asynccontextmanager
async def reading(nacos: FakeNacosServer, **section: Any) -> AsyncIterator[NacosHttp]:
    connection = connection_to(nacos, **section)
    api = NacosApi(connection)
    yield NacosHttp(connection, api, NacosLogin(connection, api))
    await api.close()
