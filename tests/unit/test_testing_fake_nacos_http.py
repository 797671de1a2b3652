"""The fake Nacos answers HTTP as the real ones were seen to."""

import json

import pytest

from app.testing.fake_nacos import FakeNacos
from app.testing.fake_nacos_http import HttpHalf, Tokens, md5

V1, V3 = "/nacos/v1/cs/configs", "/nacos/v3/client/cs/config"
V1_QUERY = {"dataId": "app.yaml", "group": "DEFAULT_GROUP", "tenant": "public"}
V3_QUERY = {"dataId": "app.yaml", "groupName": "DEFAULT_GROUP", "namespaceId": "public"}
RIGHT = {"username": "nacos", "password": "right"}


@pytest.fixture
def tokens() -> Tokens:
    return Tokens("nacos", "right")


@pytest.fixture
def half(tokens: Tokens) -> HttpHalf:
    nacos = FakeNacos()
    nacos.publish("app.yaml", "a: 1")
    return HttpHalf(nacos, tokens, "DEFAULT_GROUP")


def test_version_1_answers_the_text_itself(half: HttpHalf, tokens: Tokens) -> None:
    token = tokens.log_in("nacos", "right") or ""
    assert half.read(V1, V1_QUERY, token) == (200, b"a: 1")
    assert half.read(V1, {**V1_QUERY, "dataId": "absent"}, token) == (404, b"config data not exist")


def test_version_3_wraps_it_with_its_md5(half: HttpHalf, tokens: Tokens) -> None:
    token = tokens.log_in("nacos", "right") or ""
    status, body = half.read(V3, V3_QUERY, token)
    assert (status, json.loads(body)["data"]) == (200, {"content": "a: 1", "md5": md5("a: 1")})
    status, body = half.read(V3, {**V3_QUERY, "namespaceId": "other"}, token)
    assert (status, json.loads(body)["code"]) == (404, 20004)


def test_a_version_it_does_not_know_is_not_found(half: HttpHalf) -> None:
    half.versions = {3}
    assert half.read(V1, V1_QUERY, "")[0] == 404
    assert half.log_in("/nacos/v1/auth/users/login", RIGHT)[0] == 404
    assert half.log_in("/nacos/v3/auth/user/login", RIGHT)[0] == 200


def test_a_login_gives_a_token_that_reads(half: HttpHalf) -> None:
    status, body = half.log_in("/nacos/v1/auth/users/login", RIGHT)
    answer = json.loads(body)
    assert (status, answer["tokenTtl"]) == (200, 18_000)
    assert half.read(V1, V1_QUERY, answer["accessToken"])[0] == 200


@pytest.mark.parametrize("form", [{}, {**RIGHT, "password": "wrong"}, {**RIGHT, "username": "other"}])
def test_wrong_credentials_are_403(half: HttpHalf, form: dict[str, str]) -> None:
    assert half.log_in("/nacos/v1/auth/users/login", form)[0] == 403


def test_missing_and_expired_tokens_are_403(half: HttpHalf, tokens: Tokens) -> None:
    token = tokens.log_in("nacos", "right") or ""
    tokens.expire()
    assert [half.read(V1, V1_QUERY, given)[0] for given in ("", token)] == [403, 403]


def test_without_a_username_everybody_reads() -> None:
    assert Tokens("", "").accepts("")


def test_md5_counts_utf_8() -> None:
    assert md5("a: 你好") == "a0a496c26f32b7218b0bf00a9a5dbfed"
