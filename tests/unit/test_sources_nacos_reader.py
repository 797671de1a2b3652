"""Reading all documents, and finding the namespace that has them."""

import asyncio

import pytest

from app.config.nacos_config import NacosConnection, build_nacos_connection
from app.config.sources.nacos_reader import DocumentReader
from app.config.sources.nacos_session import Unreachable
from app.testing.fake_nacos import FakeNacos


def connection(**section: object) -> NacosConnection:
    return build_nacos_connection({"host": "nacos", "data_ids": "common.yaml,app.yaml", **section}, {})


async def test_every_document_is_read() -> None:
    nacos = FakeNacos()
    nacos.publish("common.yaml", "a: 1")
    assert await DocumentReader(connection(), nacos).read_all() == {"common.yaml": "a: 1", "app.yaml": None}


@pytest.mark.parametrize("kept_under", ["public", ""])
async def test_the_public_namespace_is_found_as_new_and_as_old_servers_keep_it(kept_under: str) -> None:
    nacos = FakeNacos(public_is=kept_under)
    nacos.publish("app.yaml", "b: 1")
    reader = DocumentReader(connection(), nacos)
    assert (await reader.read_all())["app.yaml"] == "b: 1"
    assert reader.namespace == kept_under


async def test_the_namespace_that_answered_is_kept() -> None:
    nacos = FakeNacos(public_is="")
    nacos.publish("app.yaml", "b: 1")
    reader = DocumentReader(connection(), nacos)
    await reader.read_all()
    nacos.reads = 0
    await reader.read_all()
    assert nacos.reads == 2


async def test_a_named_namespace_is_the_only_one_asked() -> None:
    nacos = FakeNacos()
    nacos.publish("app.yaml", "b: 1", namespace="")
    reader = DocumentReader(connection(namespace="team-a"), nacos)
    assert (await reader.read_all())["app.yaml"] is None
    assert reader.namespace == "team-a"


async def test_the_session_is_read_when_http_does_not_answer() -> None:
    nacos = FakeNacos()
    nacos.publish("app.yaml", "b: 1")
    nacos.http_answers = False
    reader = DocumentReader(connection(), nacos)
    reader.session = await nacos.connect("public")
    assert (await reader.read_all())["app.yaml"] == "b: 1"


async def test_without_a_session_it_is_unreachable() -> None:
    nacos = FakeNacos()
    nacos.http_answers = False
    with pytest.raises(Unreachable):
        await DocumentReader(connection(), nacos).read_all()


async def test_reading_ends_in_time_whatever_the_server_does() -> None:
    class Silent:
        async def read(self, namespace: str, data_id: str) -> str | None:
            await asyncio.Event().wait()
            return None

    with pytest.raises(Unreachable, match=r"did not answer within 0\.01 s"):
        await DocumentReader(connection(), Silent(), seconds=0.01).read_all()
