"""Calling the servers in turn."""

from collections.abc import AsyncIterator

import httpx
import pytest

from app.config.nacos_config import build_nacos_connection
from app.config.sources.nacos_api import NacosApi
from app.config.sources.nacos_session import Unreachable


class Servers:
    """Servers by host: each answers a status, or refuses the connection."""

    def __init__(self, **statuses: int | None) -> None:
        self.statuses = statuses
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.host)
        status = self.statuses[request.url.host]
        if status is None:
            raise httpx.ConnectError("refused")
        return httpx.Response(status, text=request.url.host)

    def api(self) -> NacosApi:
        hosts = ",".join(self.statuses)
        connection = build_nacos_connection({"host": hosts, "data_id": "app.yaml"}, {})
        return NacosApi(connection, transport=httpx.MockTransport(self))


async def test_the_next_server_is_asked_when_one_does_not_answer() -> None:
    servers = Servers(one=None, two=200)
    answer = await servers.api().call("GET", "/")
    assert (answer.status, answer.body) == (200, b"two")


async def test_the_server_that_answered_is_asked_first_from_then_on() -> None:
    servers = Servers(one=None, two=200)
    api = servers.api()
    await api.call("GET", "/")
    await api.call("GET", "/")
    assert servers.asked == ["one", "two", "two"]


async def test_a_server_that_fails_is_passed_over() -> None:
    assert (await Servers(one=503, two=200).api().call("GET", "/")).body == b"two"


async def test_a_failing_answer_is_better_than_none() -> None:
    assert (await Servers(one=503, two=None).api().call("GET", "/")).status == 503


async def test_when_none_answers_every_address_is_named() -> None:
    with pytest.raises(Unreachable) as error:
        await Servers(one=None, two=None).api().call("GET", "/")
    assert error.value.message == (
        "no Nacos server answers over HTTP (http://one:8848/nacos: ConnectError; http://two:8848/nacos: ConnectError)"
    )


async def test_an_endless_answer_is_cut_off() -> None:
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += 1
            yield b"a" * 1024 * 1024

    connection = build_nacos_connection({"host": "one", "data_id": "app.yaml"}, {})
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=endless()))
    await NacosApi(connection, transport=transport).call("GET", "/")
    assert given < 20


async def test_proxy_variables_are_ignored(monkeypatch: pytest.MonkeyPatch, free_port: int) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://proxy.invalid:3128")
    api = NacosApi(build_nacos_connection({"host": f"127.0.0.1:{free_port}", "data_id": "app.yaml"}, {}))
    with pytest.raises(Unreachable, match=f"127.0.0.1:{free_port}/nacos: ConnectError"):
        await api.call("GET", "/")
    await api.close()
