"""The Nacos source over a Nacos in this process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.common.errors import SourceUnavailable, StartupError
from app.config.nacos_config import build_nacos_connection
from app.config.sources.base import Document, Documents, Trigger
from app.config.sources.nacos import NacosSource
from app.config.sources.nacos_supervisor import Timing
from app.testing.fake_nacos import FakeNacos, FakeSession
from servers.ports import free_port

QUICK = Timing(
    start_delay=0, connect=1, check=0.005, compare=0.02, confirm=0.01, grace=0, unconnected=1, pause=0.005,
    max_pause=0.02,
)  # fmt: skip


class Delivered:
    """Who the source delivers to; `fail` makes it raise, `slow` makes it wait."""

    def __init__(self, source: NacosSource) -> None:
        self.source = source
        self.got: list[tuple[dict[str, str], Trigger]] = []
        self.fail = False
        self.busy = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def __call__(self, documents: Documents, trigger: Trigger) -> None:
        self.busy.set()
        await self.go_on.wait()
        if self.fail:
            raise RuntimeError("the settings are broken")
        await self.source.remember(documents)
        self.got.append(({item.name: item.text for item in documents.items}, trigger))

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while not condition():
                await asyncio.sleep(0.002)

    async def until_text(self, data_id: str, text: str) -> Trigger:
        await self.until(lambda: self.got and self.got[-1][0][data_id] == text)
        return self.got[-1][1]


def build(nacos: FakeNacos, folder: Path, **section: object) -> NacosSource:
    # Port 1 of loopback answers nobody, which is what the probe of a failed start shall find.
    connection = build_nacos_connection({"host": "127.0.0.1:1", "data_id": "app.yaml", **section}, {})
    return NacosSource(connection, folder, timing=QUICK, http=nacos, connect=nacos.connect)


@asynccontextmanager
async def watched(source: NacosSource) -> AsyncIterator[Delivered]:
    delivered = Delivered(source)
    task = asyncio.create_task(source.watch(delivered))
    yield delivered
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await source.close()


@pytest.fixture
def nacos() -> FakeNacos:
    nacos = FakeNacos()
    nacos.publish("app.yaml", "a: 1")
    return nacos


async def test_it_starts_with_what_is_published(nacos: FakeNacos, tmp_path: Path) -> None:
    assert await build(nacos, tmp_path).open() == Documents("nacos", (Document("app.yaml", "a: 1"),))


async def test_a_push_is_delivered(nacos: FakeNacos, tmp_path: Path) -> None:
    source = build(nacos, tmp_path)
    await source.open()
    async with watched(source) as delivered:
        await delivered.until(lambda: source.status()["connected"])
        nacos.publish("app.yaml", "a: 2")
        assert await delivered.until_text("app.yaml", "a: 2") is Trigger.PUSH


async def test_layered_documents_are_delivered_together_and_in_order(nacos: FakeNacos, tmp_path: Path) -> None:
    nacos.publish("common.yaml", "c: 1")
    source = build(nacos, tmp_path, data_id=None, data_ids=["common.yaml", "app.yaml"])
    await source.open()
    async with watched(source) as delivered:
        nacos.publish("app.yaml", "a: 2")
        await delivered.until_text("app.yaml", "a: 2")
        assert list(delivered.got[-1][0].items()) == [("common.yaml", "c: 1"), ("app.yaml", "a: 2")]


async def test_a_slow_delivery_keeps_no_other_document_waiting_for_its_listener(
    nacos: FakeNacos, tmp_path: Path
) -> None:
    nacos.publish("common.yaml", "c: 1")
    source = build(nacos, tmp_path, data_id=None, data_ids=["common.yaml", "app.yaml"])
    await source.open()
    async with watched(source) as delivered:
        await delivered.until(lambda: source.status()["connected"])
        delivered.go_on.clear()
        nacos.publish("app.yaml", "a: 2")
        await delivered.busy.wait()
        nacos.publish("common.yaml", "c: 2")
        nacos.publish("common.yaml", "c: 3")
        delivered.go_on.set()
        await delivered.until_text("common.yaml", "c: 3")
        assert [texts for texts, _ in delivered.got] == [
            {"common.yaml": "c: 1", "app.yaml": "a: 2"},
            {"common.yaml": "c: 3", "app.yaml": "a: 2"},
        ]


async def test_a_delivery_that_fails_is_repeated(nacos: FakeNacos, tmp_path: Path) -> None:
    source = build(nacos, tmp_path)
    await source.open()
    async with watched(source) as delivered:
        delivered.fail = True
        nacos.publish("app.yaml", "a: 2")
        await delivered.busy.wait()
        delivered.fail = False
        await delivered.until_text("app.yaml", "a: 2")


async def test_a_deleted_document_replaces_nothing_and_is_reported(nacos: FakeNacos, tmp_path: Path) -> None:
    source = build(nacos, tmp_path)
    await source.open()
    async with watched(source) as delivered:
        nacos.delete("app.yaml")
        await delivered.until(lambda: source.status()["absent"] == ["app.yaml"])
        await asyncio.sleep(0.05)
        assert delivered.got == []
        with pytest.raises(
            SourceUnavailable, match=r"no text for app\.yaml in namespace 'public', group DEFAULT_GROUP"
        ):
            await source.fetch()
        nacos.publish("app.yaml", "a: 2")
        await delivered.until_text("app.yaml", "a: 2")
        assert source.status()["absent"] == []


async def test_a_fetch_reads_now(nacos: FakeNacos, tmp_path: Path) -> None:
    source = build(nacos, tmp_path)
    await source.open()
    nacos.publish("app.yaml", "a: 2")
    assert (await source.fetch()).items == (Document("app.yaml", "a: 2"),)


async def test_a_fetch_right_after_a_push_does_not_bring_the_former_text_back(nacos: FakeNacos, tmp_path: Path) -> None:
    source = build(nacos, tmp_path)
    await source.remember(await source.open())
    nacos.publish("app.yaml", "a: 2")
    await source.remember(Documents("nacos", (Document("app.yaml", "a: 2"),)))
    nacos.read_stale("a: 1")
    assert (await source.fetch()).items[0].text == "a: 2"


async def test_a_text_that_was_really_taken_back_is_fetched(nacos: FakeNacos, tmp_path: Path) -> None:
    source = build(nacos, tmp_path)
    await source.remember(await source.open())
    await source.remember(Documents("nacos", (Document("app.yaml", "a: 2"),)))
    assert (await source.fetch()).items[0].text == "a: 1"


async def test_what_a_fetch_brought_is_not_delivered_again(nacos: FakeNacos, tmp_path: Path) -> None:
    source = build(nacos, tmp_path)
    await source.open()
    nacos.deaf = True
    nacos.publish("app.yaml", "a: 2")
    await source.remember(await source.fetch())
    async with watched(source) as delivered:
        await delivered.until(lambda: source.status()["connected"])
        await asyncio.sleep(0.06)
        assert delivered.got == []


async def test_without_nacos_it_starts_with_the_last_known_good_and_catches_up(
    nacos: FakeNacos, tmp_path: Path
) -> None:
    before = build(nacos, tmp_path)
    await before.remember(await before.open())
    nacos.http_answers = nacos.grpc_answers = False
    nacos.publish("app.yaml", "a: 2")

    source = build(nacos, tmp_path)
    documents = await source.open()

    assert documents == Documents("nacos", (Document("app.yaml", "a: 1"),), from_last_good=True)
    assert source.status()["from_last_good"] is True
    assert "does not answer" in source.status()["problem"]
    async with watched(source) as delivered:
        nacos.http_answers = nacos.grpc_answers = True
        await delivered.until_text("app.yaml", "a: 2")
        await delivered.until(lambda: source.status()["from_last_good"] is False)


async def test_a_document_deleted_before_the_start_is_answered_from_the_last_known_good(
    nacos: FakeNacos, tmp_path: Path
) -> None:
    before = build(nacos, tmp_path)
    await before.remember(await before.open())
    nacos.delete("app.yaml")
    source = build(nacos, tmp_path)
    documents = await source.open()
    assert (documents.items[0].text, documents.from_last_good) == ("a: 1", True)
    assert source.status()["absent"] == ["app.yaml"]


async def test_the_last_known_good_of_another_namespace_is_not_used(nacos: FakeNacos, tmp_path: Path) -> None:
    before = build(nacos, tmp_path)
    await before.remember(await before.open())
    with pytest.raises(StartupError):
        await build(nacos, tmp_path, namespace="other").open()


async def test_a_text_from_the_last_known_good_is_not_remembered_over_it(nacos: FakeNacos, tmp_path: Path) -> None:
    source = build(nacos, tmp_path)
    await source.remember(await source.open())
    await source.remember(Documents("nacos", (Document("app.yaml", "a: old"),), from_last_good=True))
    assert (await source.load_last_good()) == Documents("nacos", (Document("app.yaml", "a: 1"),), from_last_good=True)


async def test_an_unwritable_folder_is_no_reason_to_fail(nacos: FakeNacos, tmp_path: Path) -> None:
    (tmp_path / "nacos").write_text("a file where the folder should be")
    source = build(nacos, tmp_path)
    await source.remember(await source.open())
    assert await source.load_last_good() is None


async def test_without_nacos_and_without_last_known_good_every_port_is_named(nacos: FakeNacos, tmp_path: Path) -> None:
    nacos.http_answers = False
    with pytest.raises(StartupError) as error:
        await build(nacos, tmp_path, host="127.0.0.1:1,127.0.0.1:2").open()
    assert error.value.message == (
        "Nacos can't be reached "
        "(http://127.0.0.1:1/nacos: HTTP port 1 does not answer, gRPC port 1001 does not answer; "
        "http://127.0.0.1:2/nacos: HTTP port 2 does not answer, gRPC port 1002 does not answer); "
        "no last known good settings are on this machine"
    )


async def test_a_document_that_is_not_there_is_named_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(StartupError) as error:
        await build(FakeNacos(), tmp_path).open()
    assert error.value.message == (
        "Nacos has no text for app.yaml in namespace 'public', group DEFAULT_GROUP: publish it, or check "
        "nacos.namespace, group and data_id (asked: http://127.0.0.1:1/nacos); "
        "no last known good settings are on this machine"
    )


@asynccontextmanager
async def grpc_port() -> AsyncIterator[int]:
    """Answers as a gRPC server does: with a SETTINGS frame of HTTP/2."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", free_port()) as server:
        yield server.sockets[0].getsockname()[1]


async def test_with_only_the_grpc_port_reached_it_starts_over_that(nacos: FakeNacos, tmp_path: Path) -> None:
    nacos.http_answers = False
    async with grpc_port() as port:
        documents = await build(nacos, tmp_path, grpc_port_offset=port - 1).open()
    assert documents == Documents("nacos", (Document("app.yaml", "a: 1"),))
    assert all(session.closed for session in nacos.sessions)


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (SourceUnavailable("Nacos refuses the login"), "Nacos refuses the login"),
        (TimeoutError(), "Nacos did not answer over gRPC in time"),
    ],
)
async def test_a_grpc_port_that_helps_no_further_is_named(
    nacos: FakeNacos, tmp_path: Path, failure: Exception, message: str
) -> None:
    nacos.http_answers = False

    async def connect(namespace: str) -> FakeSession:
        raise failure

    nacos.connect = connect  # type: ignore[method-assign]
    async with grpc_port() as port:
        with pytest.raises(StartupError) as error:
            await build(nacos, tmp_path, grpc_port_offset=port - 1).open()
    assert error.value.message == (
        f"{message} (http://127.0.0.1:1/nacos: HTTP port 1 does not answer, gRPC port {port} answers); "
        "no last known good settings are on this machine"
    )


async def test_a_source_that_is_not_to_watch_connects_nothing(nacos: FakeNacos, tmp_path: Path) -> None:
    source = build(nacos, tmp_path, watch=False)
    await source.open()
    async with watched(source) as delivered:
        nacos.publish("app.yaml", "a: 2")
        await asyncio.sleep(0.05)
        assert delivered.got == []
        assert nacos.sessions == []


async def test_a_source_that_is_not_to_watch_still_catches_up(nacos: FakeNacos, tmp_path: Path) -> None:
    before = build(nacos, tmp_path, watch=False)
    await before.remember(await before.open())
    nacos.publish("app.yaml", "a: 2")
    nacos.http_answers = False
    source = build(nacos, tmp_path, watch=False)
    await source.open()
    nacos.http_answers = True
    async with watched(source) as delivered:
        await delivered.until_text("app.yaml", "a: 2")
        await delivered.until(lambda: source.status()["from_last_good"] is False)


async def test_the_status_names_the_place_and_no_credentials(nacos: FakeNacos, tmp_path: Path) -> None:
    source = build(nacos, tmp_path, username="nacos", password="hunter22")
    await source.open()
    status = source.status()
    assert status["addresses"] == ["http://127.0.0.1:1/nacos"]
    assert (status["namespace"], status["group"], status["data_ids"]) == ("public", "DEFAULT_GROUP", ["app.yaml"])
    assert (status["connected"], status["rebuilds"], status["problem"]) == (False, 0, None)
    assert status["read_at"] is not None
    assert "hunter22" not in str(status)
