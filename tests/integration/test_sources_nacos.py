"""The Nacos source as it is built for production, against a real server."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.common.errors import StartupError
from app.config.nacos_config import build_nacos_connection
from app.config.sources.base import Documents, Trigger
from app.config.sources.nacos import NacosSource
from app.config.sources.nacos_supervisor import Timing
from servers.nacos_client import NacosClient
from servers.ports import free_port
from servers.proxy import open_proxy
from servers.rnacos import Nacos

PROMPT = Timing(start_delay=0, check=0.1, compare=0.5, confirm=0.2, pause=0.2, max_pause=1)
PUSH_ONLY = Timing(start_delay=0, compare=3600)


class Delivered:
    def __init__(self, source: NacosSource) -> None:
        self.source = source
        self.got: list[tuple[tuple[str, ...], Trigger]] = []

    async def __call__(self, documents: Documents, trigger: Trigger) -> None:
        await self.source.remember(documents)
        self.got.append((tuple(item.text for item in documents.items), trigger))

    async def until(self, condition: Callable[[], object], seconds: float = 30) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.01)

    async def until_texts(self, *texts: str, seconds: float = 30) -> Trigger:
        await self.until(lambda: self.got and self.got[-1][0] == texts, seconds)
        return self.got[-1][1]

    async def until_connected(self) -> None:
        await self.until(lambda: self.source.status()["connected"])


def build(nacos: Nacos, folder: Path, *, timing: Timing = PUSH_ONLY, **section: object) -> NacosSource:
    credentials = {"username": nacos.username, "password": nacos.password}
    where = {"host": nacos.address, "data_id": "app.yaml", **credentials, **section}
    return NacosSource(build_nacos_connection(where, {}), folder, timing=timing)


@asynccontextmanager
async def watched(source: NacosSource) -> AsyncIterator[Delivered]:
    delivered = Delivered(source)
    task = asyncio.create_task(source.watch(delivered))
    try:
        yield delivered
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await source.close()


@pytest.fixture
def group() -> str:
    """Every test has a place of its own on the shared server."""
    return f"G{time.monotonic_ns()}"


@pytest.fixture
def publisher(nacos_server: Nacos) -> Iterator[NacosClient]:
    with nacos_server.client() as client:
        yield client


async def test_a_published_change_arrives_by_push(
    nacos_server: Nacos, publisher: NacosClient, group: str, tmp_path: Path
) -> None:
    publisher.publish("app.yaml", "a: 1", group=group)
    source = build(nacos_server, tmp_path, group=group)
    assert (await source.open()).items[0].text == "a: 1"
    async with watched(source) as delivered:
        await delivered.until_connected()
        for number in range(2, 7):
            publisher.publish("app.yaml", f"a: {number}", group=group)
            assert await delivered.until_texts(f"a: {number}", seconds=2) is Trigger.PUSH


async def test_two_layered_documents_are_delivered_together(
    nacos_server: Nacos, publisher: NacosClient, group: str, tmp_path: Path
) -> None:
    publisher.publish("common.yaml", "a: 1", group=group)
    publisher.publish("app.yaml", "b: 1", group=group)
    source = build(nacos_server, tmp_path, group=group, data_id=None, data_ids=["common.yaml", "app.yaml"])
    await source.open()
    async with watched(source) as delivered:
        await delivered.until_connected()
        publisher.publish("common.yaml", "a: 2", group=group)
        await delivered.until_texts("a: 2", "b: 1")
        publisher.publish("app.yaml", "b: 2", group=group)
        await delivered.until_texts("a: 2", "b: 2")


@pytest.mark.parametrize("published_in", ["", "public"])
async def test_the_public_namespace_is_one_whatever_it_is_called(
    nacos_server: Nacos, publisher: NacosClient, group: str, tmp_path: Path, published_in: str
) -> None:
    publisher.publish("app.yaml", "a: 1", group=group, namespace=published_in)
    source = build(nacos_server, tmp_path, group=group)
    await source.open()
    assert source.status()["namespace"] == "public"
    async with watched(source) as delivered:
        await delivered.until_connected()
        publisher.publish("app.yaml", "a: 2", group=group, namespace=published_in)
        assert await delivered.until_texts("a: 2") is Trigger.PUSH


async def test_a_named_namespace_is_apart(
    nacos_server: Nacos, publisher: NacosClient, group: str, tmp_path: Path
) -> None:
    publisher.publish("app.yaml", "a: public", group=group)
    publisher.publish("app.yaml", "a: team", group=group, namespace="team-a")
    source = build(nacos_server, tmp_path, group=group, namespace="team-a")
    assert (await source.open()).items[0].text == "a: team"
    await source.close()


async def test_a_deletion_is_reported_and_changes_nothing(
    nacos_server: Nacos, publisher: NacosClient, group: str, tmp_path: Path
) -> None:
    publisher.publish("app.yaml", "a: 1", group=group)
    source = build(nacos_server, tmp_path, group=group, timing=PROMPT)
    await source.open()
    async with watched(source) as delivered:
        await delivered.until_connected()
        publisher.delete("app.yaml", group=group)
        await delivered.until(lambda: source.status()["absent"] == ["app.yaml"])
        assert delivered.got == []


async def test_a_wrong_password_ends_the_start_by_naming_the_keys(nacos_server: Nacos, tmp_path: Path) -> None:
    source = build(nacos_server, tmp_path, password="wrong-password")
    with pytest.raises(StartupError, match=r"check nacos\.username and nacos\.password") as error:
        await source.open()
    assert "wrong-password" not in error.value.message
    await source.close()


async def test_a_black_hole_at_the_login_ends_the_start_in_time_and_names_the_ports(
    nacos_server: Nacos, tmp_path: Path
) -> None:
    with open_proxy(nacos_server.port, offsets=(0, 1000)) as proxy:
        proxy.black_hole()
        source = build(nacos_server, tmp_path, host=proxy.address)
        started = time.monotonic()
        with pytest.raises(StartupError) as error:
            await source.open()
        assert time.monotonic() - started < 15
        assert (
            f"(http://{proxy.address}/nacos: HTTP port {proxy.port} does not answer, "
            f"gRPC port {proxy.port + 1000} does not answer)"
        ) in error.value.message
        await source.close()


async def test_without_http_the_start_tries_grpc_and_says_which_port_answered(
    nacos_server: Nacos, tmp_path: Path
) -> None:
    port = free_port()  # nobody listens there, and the gRPC port is reached by the offset
    source = build(nacos_server, tmp_path, host=f"127.0.0.1:{port}", grpc_port_offset=nacos_server.grpc_port - port)
    started = time.monotonic()
    with pytest.raises(StartupError) as error:
        await source.open()
    assert time.monotonic() - started < 15
    assert f"HTTP port {port} does not answer, gRPC port {nacos_server.grpc_port} answers" in error.value.message
    await source.close()


async def test_a_blocked_grpc_port_costs_the_push_and_not_the_change(
    nacos_server: Nacos, publisher: NacosClient, group: str, tmp_path: Path
) -> None:
    publisher.publish("app.yaml", "a: 1", group=group)
    source = build(nacos_server, tmp_path, group=group, timing=PROMPT, grpc_port_offset=free_port() - nacos_server.port)
    await source.open()
    async with watched(source) as delivered:
        publisher.publish("app.yaml", "a: 2", group=group)
        assert await delivered.until_texts("a: 2") is Trigger.POLL
        assert source.status()["connected"] is False


async def test_started_without_nacos_it_serves_the_last_known_good_and_catches_up(
    nacos_factory: Callable[[], Nacos], tmp_path: Path
) -> None:
    server = nacos_factory()
    with server.client() as publisher:
        publisher.publish("app.yaml", "a: 1")
        before = build(server, tmp_path)
        await before.remember(await before.open())
        await before.close()
        publisher.publish("app.yaml", "a: 2")
        server.stop()

        source = build(server, tmp_path, timing=PROMPT)
        documents = await source.open()
        assert (documents.items[0].text, documents.from_last_good) == ("a: 1", True)
        async with watched(source) as delivered:
            await asyncio.to_thread(server.restart)
            await delivered.until_texts("a: 2")
            await delivered.until(lambda: source.status()["from_last_good"] is False)


async def test_a_killed_and_restarted_server_pushes_again(nacos_factory: Callable[[], Nacos], tmp_path: Path) -> None:
    server = nacos_factory()
    with server.client() as publisher:
        publisher.publish("app.yaml", "a: 1")
        source = build(server, tmp_path, timing=PROMPT)
        await source.open()
        async with watched(source) as delivered:
            await delivered.until_connected()
            server.stop()
            await delivered.until(lambda: source.status()["problem"] is not None)
            await asyncio.to_thread(server.restart)
            publisher.publish("app.yaml", "a: 2")
            await delivered.until_texts("a: 2")
            await delivered.until_connected()
            publisher.publish("app.yaml", "a: 3")
            await delivered.until_texts("a: 3")


async def test_a_cut_line_is_made_up_for(
    nacos_server: Nacos, publisher: NacosClient, group: str, tmp_path: Path
) -> None:
    publisher.publish("app.yaml", "a: 1", group=group)
    with open_proxy(nacos_server.port, offsets=(0, 1000)) as proxy:
        source = build(nacos_server, tmp_path, group=group, timing=PROMPT, host=proxy.address)
        await source.open()
        async with watched(source) as delivered:
            await delivered.until_connected()
            for number in range(2, 5):
                proxy.cut()
                publisher.publish("app.yaml", f"a: {number}", group=group)
                await delivered.until(lambda: not source.status()["connected"])
                proxy.restore()
                await delivered.until_texts(f"a: {number}")
                await delivered.until_connected()


async def test_no_file_but_the_last_known_good_holds_a_secret_or_the_text(
    nacos_server: Nacos, publisher: NacosClient, group: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    publisher.publish("app.yaml", "password: hunter22", group=group)
    source = build(nacos_server, tmp_path, group=group)
    await source.remember(await source.open())
    async with watched(source) as delivered:
        await delivered.until_connected()
        publisher.publish("app.yaml", "password: hunter23", group=group)
        await delivered.until_texts("password: hunter23")
    (file,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert file.parent == tmp_path / "nacos" / "last_good"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "hunter23" in file.read_text()
    assert nacos_server.password not in file.read_text()
