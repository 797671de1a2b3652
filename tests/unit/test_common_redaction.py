"""Secrets never leave: exact values, names that say so, and shapes."""

import json
from collections.abc import Iterator

import pytest

from app.common.redaction import (
    clean_value,
    forget_secrets,
    is_secret_key,
    mask_document,
    redact,
    register_secret,
    register_secrets,
    text_of,
)

SECRETS = ["hunter-2-hunter", 'quo"te-pass', "p@ss w/ord", "first line\nsecond line", "abc", "True"]


@pytest.fixture
def secrets() -> Iterator[None]:
    register_secrets(SECRETS)
    yield
    forget_secrets(SECRETS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GET /send?key=abc-123&x=1", "GET /send?key=******&x=1"),
        ("GET /?a=1&accessToken=abc.def HTTP/1.1", "GET /?a=1&accessToken=****** HTTP/1.1"),
        ("GET /?password=a,b;c&x=1", "GET /?password=******&x=1"),
        ("GET /?token=abc#part", "GET /?token=******"),
        ("https://h/?KEY=abc", "https://h/?KEY=******"),
        (r"\u0026key=abc\u0026x", r"\u0026key=******\u0026x"),
        ("password=hunter2", "password=******"),
        ("db_password = hunter2 next", "db_password = ****** next"),
        ("password: hunter2", "password: ******"),
        ('{"token": "abc", "a": 1}', '{"token": "******", "a": 1}'),
        ('{"token": "a b, c", "a": 1}', '{"token": "******", "a": 1}'),
        ('{"accessToken":"a\\"b"}', '{"accessToken":"******"}'),
        ('{\\"token\\": \\"abc\\", \\"a\\": 1}', '{\\"token\\": \\"******\\", \\"a\\": 1}'),
        ("{'secret': b'abc'}", "{'secret': b'******'}"),
        ("Login(user='u', password='x y')", "Login(user='u', password='******')"),
        ("Login(password=abc, user=u)", "Login(password=******, user=u)"),
        ("Login(password=abc)", "Login(password=******)"),
        ("connect(password=None)", "connect(password=None)"),
        ('{"password": ""}', '{"password": ""}'),
        ('"password": "cut off', '"password": "******'),
        ('\\"password\\": \\"cut off\nnext', '\\"password\\": \\"******\nnext'),
        ("api_key=abc api-key: def", "api_key=****** api-key: ******"),
        ("secretKey=abc", "secretKey=******"),
        ("Authorization: Bearer abc.def", "Authorization: ******"),
        ("{'authorization': 'Basic dXNlcjpwdw==', 'accept': '*/*'}", "{'authorization': '******', 'accept': '*/*'}"),
        ("(b'authorization', b'Bearer abcdef')", "(b'authorization', b'Bearer ******')"),
        ("curl -H 'X: Bearer abcdef'", "curl -H 'X: Bearer ******'"),
        ("token: Bearer abcdef", "token: ******"),
        ("mysql://root:pw@db:3306/x", "mysql://root:******@db:3306/x"),
        ("redis://:pw@cache", "redis://:******@cache"),
        ("mysql://root:p@ss@db/x", "mysql://root:******@db/x"),
        ("dsn=https://1@s.io/2", "dsn=******"),
        ("XXL-JOB-ACCESS-TOKEN: abc", "XXL-JOB-ACCESS-TOKEN: ******"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, expected: str) -> None:
    assert redact(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "run finished",
        "the author passed the keyboard to the tokenizer",
        "http://host:8080/users/@me",
        "primary_key=17 cache_key: a",
        "Basic authentication is off",
        "GET /monkey=1",
        "12:30:01 key point",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("it is hunter-2-hunter!", "it is ******!"),
        ("xhunter-2-hunterx", "x******x"),
        ("mysql://u@h/?x=p%40ss%20w%2Ford", "mysql://u@h/?x=******"),
        (json.dumps({"x": 'quo"te-pass'}), '{"x": "******"}'),
        (repr("first line\nsecond line"), "'******'"),
        ("first line\nsecond line", "******"),
        ("abc True", "abc True"),
    ],
)
def test_a_registered_value_is_masked_in_every_form(text: str, expected: str) -> None:
    assert redact(text) == expected


def test_a_longer_secret_wins_over_one_that_it_begins_with() -> None:
    register_secrets(["swordfish", "swordfish-long"])
    assert redact("a swordfish-long b") == "a ****** b"
    forget_secrets(["swordfish", "swordfish-long"])


def test_a_forgotten_value_is_shown_again() -> None:
    register_secret("no-longer-secret")
    forget_secrets(["no-longer-secret"])
    assert redact("no-longer-secret") == "no-longer-secret"


def test_the_oldest_of_too_many_values_are_let_go() -> None:
    values = [f"value-number-{number}-end" for number in range(1001)]
    register_secrets(values)
    assert redact(values[0]) == values[0]
    assert redact(values[-1]) == "******"
    forget_secrets(values)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 100_000, 'password="' + "\\" * 100_000, 'password=\\"' + "\\" * 100_000, "a://" * 25_000,
        "token" * 20_000, "Basic " * 16_000, 'key=\\"' * 16_000, "bearer" + " " * 100_000,
    ],
    ids=range(8),
)  # fmt: skip
@pytest.mark.timeout(5)
def test_hostile_text_takes_linear_time(text: str) -> None:
    assert redact(text) is not None


@pytest.mark.parametrize(
    "name",
    [
        "password", "db_password", "passwd", "pwd", "secret", "token", "access_token", "accessToken", "access-key",
        "private_key", "privateKey", "credential", "credentials", "tokens", "key", "KEY", "dsn", "sentry_dsn", "apiKey",
        "apikey", "API_KEY", "passphrase", "Authorization", "clientSecret", "ops_token", "password_old",
    ],
)  # fmt: skip
def test_names_of_secrets(name: str) -> None:
    assert is_secret_key(name)


@pytest.mark.parametrize(
    "name",
    [
        "", "user", "keys", "primary_key", "cache_key", "keyboard", "password_file", "token_type", "token_url",
        "token_ttl", "author", "compass", "tokenizer", "host", "17", "-",
    ],
)  # fmt: skip
def test_names_of_other_things(name: str) -> None:
    assert not is_secret_key(name)


def test_a_document_is_masked_by_name_by_path_and_by_shape() -> None:
    document = {
        "database": {"host": "db-1", "password": "x", "port": 3306},
        "wechat": {"robot_templates": {"ops": {"key": "k", "template": "{}"}}},
        "hosts": ["a", "b"],
        "cache": {"url": "redis://:pw@cache"},
        "credentials": {"user": "u", "pin": 1234, "on": True},
    }
    assert mask_document(document, {"database.host", "hosts.1"}) == {
        "database": {"host": "******", "password": "******", "port": 3306},
        "wechat": {"robot_templates": {"ops": {"key": "******", "template": "{}"}}},
        "hosts": ["a", "******"],
        "cache": {"url": "redis://:******@cache"},
        "credentials": {"user": "******", "pin": "******", "on": True},
    }


def test_masking_shows_what_is_missing_and_changes_nothing_in_place() -> None:
    document = {"password": "", "token": None, "access_token": "x", "allow_weak_token": False}
    assert mask_document(document) == {
        "password": "",
        "token": None,
        "access_token": "******",
        "allow_weak_token": False,
    }
    assert document["access_token"] == "x"


def test_a_document_that_contains_itself_is_cut() -> None:
    document: dict[str, object] = {}
    document["self"] = document
    assert json.dumps(mask_document(document), ensure_ascii=False).endswith('"…"' + "}" * 17)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1, 1), (1.5, 1.5), (float("nan"), "nan"), (None, None), ({1: {2}}, {"1": [2]}), (("a",), ["a"]), (b"x", "b'x'")],
)
def test_values_become_plain_json_data(value: object, expected: object) -> None:
    assert clean_value(value) == expected


def test_a_number_that_is_a_secret_is_masked() -> None:
    register_secret("918273645")
    assert clean_value({"pin": 918273645}) == {"pin": "******"}
    forget_secrets(["918273645"])


def test_of_what_has_more_items_than_anybody_reads_the_first_are_kept() -> None:
    assert clean_value(range(3)) == "range(0, 3)"
    assert clean_value(list(range(20_000))) == list(range(10_000))
    assert len(clean_value({str(number): number for number in range(20_000)})) == 10_000


@pytest.mark.timeout(5)
def test_a_value_that_contains_itself_many_times_is_cut() -> None:
    value: list[object] = []
    value.extend([value] * 10)
    assert len(json.dumps(clean_value(value))) < 100_000


def test_an_object_whose_str_fails_is_named() -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no")

    assert text_of(Broken()) == "<unprintable Broken>"
