"""Reading documents over HTTP, as the versions of Nacos answer."""

import json
from collections.abc import Callable

import httpx
import pytest

from app.common.errors import SourceUnavailable
from app.config.nacos_config import NacosConnection, build_nacos_connection
from app.config.sources.nacos_api import NacosApi
from app.config.sources.nacos_http import NacosHttp
from app.config.sources.nacos_login import NacosLogin

Handler = Callable[[httpx.Request], httpx.Response]
V1 = "/nacos/v1/cs/configs"
V3 = "/nacos/v3/client/cs/config"


def connection(**section: object) -> NacosConnection:
    return build_nacos_connection({"host": "nacos", "data_id": "app.yaml", "group": "G", **section}, {})


def reader(handler: Handler, **section: object) -> NacosHttp:
    where = connection(**section)
    api = NacosApi(where, transport=httpx.MockTransport(handler))
    return NacosHttp(where, api, NacosLogin(where, api))


def v3_answer(code: int, content: str | None = None) -> httpx.Response:
    return httpx.Response(200, json={"code": code, "data": None if content is None else {"content": content}})


class Server:
    """A Nacos that accepts only the newest token it gave out."""

    def __init__(self) -> None:
        self.logins = 0
        self.restricted = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/nacos/v1/auth/users/login":
            self.logins += 1
            return httpx.Response(200, json={"accessToken": f"token-{self.logins}", "tokenTtl": 3600})
        if self.restricted or request.headers.get("accessToken") != f"token-{self.logins}":
            return httpx.Response(403, text="unknown user!")
        return httpx.Response(200, text="a: 1\n")


async def test_version_1_is_asked_by_group_and_tenant() -> None:
    asked: list[httpx.URL] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(200, text="greeting: 你好\n")

    assert await reader(handler).read("public", "app.yaml") == "greeting: 你好\n"
    assert asked[0].path == V1
    assert dict(asked[0].params) == {"dataId": "app.yaml", "group": "G", "tenant": "public"}


async def test_a_server_without_version_1_is_asked_by_version_3_from_then_on() -> None:
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if request.url.path == V1:
            return httpx.Response(410)
        assert dict(request.url.params) == {"dataId": "app.yaml", "groupName": "G", "namespaceId": "public"}
        return v3_answer(0, "a: 1\n")

    http = reader(handler)
    assert await http.read("public", "app.yaml") == "a: 1\n"
    assert await http.read("public", "app.yaml") == "a: 1\n"
    assert asked == [V1, V3, V3]


@pytest.mark.parametrize(
    "handler",
    [
        lambda _: httpx.Response(404, text="config data not exist"),
        lambda _: httpx.Response(200, text=""),
        lambda _: httpx.Response(200, text="  \n"),
        lambda request: httpx.Response(404) if request.url.path == V1 else v3_answer(20004),
    ],
    ids=["version 1", "empty", "blank", "version 3"],
)
async def test_an_absent_document_reads_as_none(handler: Handler) -> None:
    assert await reader(handler).read("public", "app.yaml") is None


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (httpx.Response(404, text="<html>"), "reading app.yaml was answered with HTTP 404"),
        (httpx.Response(500, text="boom"), "reading app.yaml was answered with HTTP 500"),
        (httpx.Response(302, headers={"location": "/login"}), "reading app.yaml was answered with HTTP 302"),
        (httpx.Response(200, content=b"\xff\xfe"), "app.yaml is not UTF-8"),
        (httpx.Response(200, content=b"a" * (4 * 1024 * 1024 + 1)), "app.yaml is larger than 4 MiB"),
        (httpx.Response(200, content=b"a" * (17 * 1024 * 1024)), "app.yaml is larger than 4 MiB"),
        (httpx.Response(403, text="forbidden"), "check nacos.username and its permission"),
    ],
)
async def test_an_answer_that_is_no_document_is_refused_with_its_reason(answer: httpx.Response, message: str) -> None:
    with pytest.raises(SourceUnavailable, match=message):
        await reader(lambda _: answer).read("public", "app.yaml")


@pytest.mark.parametrize("body", ["[]", "{}", json.dumps({"code": 0, "data": {"content": 3}})])
async def test_a_version_3_answer_without_content_is_refused(body: str) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(410) if request.url.path == V1 else httpx.Response(200, text=body)

    with pytest.raises(SourceUnavailable, match="something that is no document"):
        await reader(handler).read("public", "app.yaml")


async def test_a_token_that_the_server_forgot_is_renewed_at_once() -> None:
    server = Server()
    http = reader(server, username="nacos", password="p")
    assert await http.read("public", "app.yaml") == "a: 1\n"

    server.logins += 1  # the server restarted with other data, and knows no token of ours

    assert await http.read("public", "app.yaml") == "a: 1\n"
    assert server.logins == 3


async def test_a_missing_permission_is_not_answered_with_login_after_login() -> None:
    server = Server()
    server.restricted = True
    with pytest.raises(SourceUnavailable, match=r"check nacos\.username and its permission"):
        await reader(server, username="nacos", password="p").read("public", "app.yaml")
    assert server.logins == 2


async def test_a_500_for_an_unknown_user_counts_as_a_forgotten_token() -> None:
    answers = [httpx.Response(500, text="unknown user!"), httpx.Response(200, text="a: 1\n")]

    def handler(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(200, json={"accessToken": "t", "tokenTtl": 60})
        return answers.pop(0)

    assert await reader(handler, username="nacos", password="p").read("public", "app.yaml") == "a: 1\n"
