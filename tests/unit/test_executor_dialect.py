"""The two dialects, held against what real consoles and executors sent."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.config.settings import XxlJobSettings
from app.config.xxl_job_config import ExecutorConfiguration
from app.xxl_job.executor.callback import Callback
from app.xxl_job.executor.dialect import (
    EMPTY_CALLER,
    INVALID_CALLER,
    WRONG_TOKEN,
    Dialect,
    asks_for_app_name,
    check_caller,
    encode_callbacks,
    encode_registration,
    headers_for,
)

WIRE = Path(__file__).parent / "wire"
MINE = ExecutorConfiguration(
    console_urls=("http://console/xxl-job-admin",),
    app_name="bench-j35",
    host="127.0.0.1",
    port=0,
    token="default_token",
    advertise="",
    pod_ip="",
    limits=XxlJobSettings(),
)


def recorded(name: str, action: str, *, accepted: bool = True) -> list[dict[str, Any]]:
    exchanges = [json.loads(line) for line in (WIRE / f"{name}.jsonl").read_text().splitlines()]
    return [
        one for one in exchanges if one["path"].endswith(f"/{action}") and ('"code":200' in one["resp"]) is accepted
    ]


def told(item: dict[str, Any]) -> Callback:
    time = item.get("logDateTim") or item["logDateTime"]
    return Callback("run", item["logId"], time, item["handleCode"], item.get("handleMsg", ""))


@pytest.mark.parametrize("exchange", recorded("executor-to-console-3.3", "callback"))
def test_a_classic_callback_is_what_a_3_3_console_took(exchange: dict[str, Any]) -> None:
    items = json.loads(exchange["body"])
    assert json.loads(encode_callbacks(Dialect.CLASSIC, [told(item) for item in items])) == items


@pytest.mark.parametrize("exchange", recorded("executor-to-console-3.5", "callback"))
def test_a_3_5_callback_is_what_a_3_5_console_took(exchange: dict[str, Any]) -> None:
    body = json.loads(exchange["body"])
    items = [{"handleMsg": "", **item} for item in body["callbackList"]]
    assert json.loads(encode_callbacks(Dialect.V3_5, [told(item) for item in items])) == {"callbackList": items}


@pytest.mark.parametrize("dialect", list(Dialect))
def test_a_callback_is_the_same_bytes_whenever_it_is_sent(dialect: Dialect) -> None:
    one, two = Callback("a", 1, 2, 200, "完成 \N{PARTY POPPER}"), Callback("b", 3, 4, 500, 'a "quote"')
    alone = encode_callbacks(dialect, [two])
    together = encode_callbacks(dialect, [one, two])
    assert alone.removesuffix(b"}").strip(b"[]").rsplit(b"[", 1)[-1] in together
    assert together == encode_callbacks(dialect, [one, two])


@pytest.mark.parametrize("name", ["executor-to-console-3.3", "executor-to-console-3.5"])
@pytest.mark.parametrize("action", ["registry", "registryRemove"])
def test_a_registration_is_what_the_consoles_took(name: str, action: str) -> None:
    for exchange in recorded(name, action):
        fields = json.loads(exchange["body"])
        mine = ExecutorConfiguration(**{**vars(MINE), "app_name": fields["registryKey"]})
        assert json.loads(encode_registration(mine, fields["registryValue"])) == fields


def test_the_app_name_is_told_to_3_5_consoles_only() -> None:
    assert headers_for(Dialect.CLASSIC, MINE) == {
        "Content-Type": "application/json",
        "XXL-JOB-ACCESS-TOKEN": "default_token",
    }
    assert headers_for(Dialect.V3_5, MINE)["XXL-JOB-APPNAME"] == "bench-j35"


def test_a_3_5_console_tells_itself_by_the_refusal_of_a_classic_registration() -> None:
    refusals = recorded("executor-to-console-3.5", "registry", accepted=False)
    assert [asks_for_app_name(json.loads(one["resp"])["msg"]) for one in refusals] == [True, True]


@pytest.mark.parametrize("message", ["The access token is wrong.", "access-token is error", "", None, 5, {"a": 1}])
def test_other_refusals_tell_nothing_of_the_dialect(message: object) -> None:
    assert not asks_for_app_name(message)


@pytest.mark.parametrize("name", ["console-3.3-to-executor", "console-3.5-to-executor"])
def test_the_requests_of_real_consoles_may_come_in(name: str) -> None:
    for line in (WIRE / f"{name}.jsonl").read_text().splitlines():
        exchange = json.loads(line)
        assert check_caller(exchange["path"], exchange["headers"], MINE) is None


TOKEN, NAME = "XXL-JOB-ACCESS-TOKEN", "XXL-JOB-APPNAME"


@pytest.mark.parametrize(
    ("path", "headers", "reason"),
    [
        ("/run", {}, WRONG_TOKEN),
        ("/run", {TOKEN: "other"}, WRONG_TOKEN),
        ("/beat", {TOKEN: ""}, WRONG_TOKEN),
        ("/log", {TOKEN: "default_tokenx"}, WRONG_TOKEN),
        ("/kill", {TOKEN: "\udcff"}, WRONG_TOKEN),
        ("/beat", {TOKEN: "default_token", NAME: "another"}, INVALID_CALLER),
        ("/beat", {TOKEN: "default_token", NAME: ""}, EMPTY_CALLER),
        ("/beat", {TOKEN: "other", NAME: "bench-j35"}, INVALID_CALLER),
        ("/beat", {NAME: "bench-j35"}, EMPTY_CALLER),
        ("/trigger", {TOKEN: "default_token"}, EMPTY_CALLER),
        ("/trigger", {}, EMPTY_CALLER),
        ("/trigger", {TOKEN: "default_token", NAME: "bench-j35"}, None),
        ("/run", {TOKEN: "default_token", NAME: "bench-j35"}, None),
    ],
)
def test_a_caller_is_refused_in_the_words_of_its_dialect(
    path: str, headers: dict[str, str], reason: str | None
) -> None:
    assert check_caller(path, headers, MINE) == reason


def test_without_a_token_of_its_own_an_executor_asks_for_none_but_still_for_its_name() -> None:
    open_to_all = ExecutorConfiguration(**{**vars(MINE), "token": ""})
    assert check_caller("/run", {}, open_to_all) is None
    assert check_caller("/trigger", {NAME: "bench-j35"}, open_to_all) is None
    assert check_caller("/trigger", {NAME: "another"}, open_to_all) == INVALID_CALLER
    assert headers_for(Dialect.CLASSIC, open_to_all) == {"Content-Type": "application/json"}
