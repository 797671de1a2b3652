"""The access token."""

from urllib.parse import parse_qs

import httpx
import pytest

from app.common.errors import SourceUnavailable
from app.common.redaction import redact
from app.config.nacos_config import build_nacos_connection
from app.config.sources.nacos_api import NacosApi
from app.config.sources.nacos_login import NacosLogin
from app.config.sources.nacos_session import Unreachable


class Server:
    """Answers logins with what it is told to."""

    def __init__(self, *answers: httpx.Response | httpx.ConnectError) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.now = 1000.0

    def login(self, username: str = "nacos", password: str = "s&cret p=w") -> NacosLogin:
        section = {"host": "nacos", "data_id": "app.yaml", "username": username, "password": password}
        connection = build_nacos_connection(section, {})
        api = NacosApi(connection, transport=httpx.MockTransport(self._answer))
        return NacosLogin(connection, api, clock=lambda: self.now)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, httpx.ConnectError):
            raise answer
        return answer


def token(value: str = "token-of-64-hex", ttl: object = 100) -> httpx.Response:
    return httpx.Response(200, json={"accessToken": value, "tokenTtl": ttl})


async def test_without_credentials_nobody_logs_in() -> None:
    server = Server(token())
    assert await server.login("", "").token() == ""
    assert server.requests == []


async def test_the_password_travels_in_the_body_and_never_in_the_address() -> None:
    server = Server(token())
    assert await server.login().token() == "token-of-64-hex"
    request = server.requests[0]
    assert str(request.url) == "http://nacos:8848/nacos/v1/auth/users/login"
    assert parse_qs(request.content.decode()) == {"username": ["nacos"], "password": ["s&cret p=w"]}


async def test_a_token_is_used_until_a_tenth_of_its_life_is_left() -> None:
    server = Server(token("first-token", 100), token("second-token", 100))
    login = server.login()
    await login.token()
    server.now += 89
    assert await login.token() == "first-token"
    server.now += 2
    assert await login.token() == "second-token"


@pytest.mark.parametrize("ttl", [None, 0, "soon"])
async def test_a_token_without_a_life_is_given_half_an_hour(ttl: object) -> None:
    server = Server(token("first-token", ttl), token("second-token"))
    login = server.login()
    await login.token()
    server.now += 1800 * 0.9 - 1
    assert await login.token() == "first-token"


async def test_a_forgotten_token_is_replaced() -> None:
    server = Server(token("first-token"), token("second-token"))
    login = server.login()
    login.forget(await login.token())
    assert await login.token() == "second-token"


async def test_forgetting_an_old_token_does_not_cost_the_new_one() -> None:
    server = Server(token("first-token"), token("second-token"), token("third-token"))
    login = server.login()
    first = await login.token()
    login.forget(first)
    await login.token()
    login.forget(first)
    assert await login.token() == "second-token"


async def test_version_3_answers_where_version_1_is_gone() -> None:
    server = Server(httpx.Response(410), httpx.Response(200, json={"code": 0, "data": {"accessToken": "v3-token"}}))
    assert await server.login().token() == "v3-token"
    assert server.requests[1].url.path == "/nacos/v3/auth/user/login"


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(403, text="unknown user!"), httpx.Response(500), httpx.Response(200, text="<html>"), token("")],
)
async def test_a_refused_login_names_the_keys_and_not_the_password(answer: httpx.Response) -> None:
    with pytest.raises(SourceUnavailable, match=r"check nacos\.username and nacos\.password") as error:
        await Server(answer).login().token()
    assert "s&cret" not in error.value.message


async def test_a_refused_login_is_repeated_after_a_growing_pause_only() -> None:
    server = Server(httpx.Response(403))
    login = server.login()
    for seconds in (0.0, 0.5, 0.6, 0.5, 1.0, 0.6):
        server.now += seconds
        with pytest.raises(SourceUnavailable):
            await login.token()
    assert len(server.requests) == 3


async def test_an_unreachable_server_is_asked_again_at_once() -> None:
    server = Server(httpx.ConnectError("refused"), token())
    login = server.login()
    with pytest.raises(Unreachable):
        await login.token()
    assert await login.token() == "token-of-64-hex"


async def test_a_token_is_masked_wherever_it_is_logged() -> None:
    await Server(token("7f3a-very-own-token")).login().token()
    assert redact("request with 7f3a-very-own-token failed") == "request with ****** failed"
