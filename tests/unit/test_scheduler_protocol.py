"""The dialects of XXL-JOB that executors speak, and what is no dialect."""

import json
from pathlib import Path

import pytest

from app.scheduler.models import Outcome
from app.scheduler.protocol import ProtocolError, parse_callbacks, parse_log, parse_registry

RECORDED = [
    json.loads(line)
    for line in (Path(__file__).parent / "wire" / "executor-to-console-3.3.jsonl").read_text().splitlines()
]


def recorded(action: str) -> list[str]:
    return [one["body"] for one in RECORDED if one["path"].endswith(f"/{action}")]


@pytest.mark.parametrize("body", recorded("registry"))
def test_recorded_registrations_are_understood(body: str) -> None:
    executor = parse_registry(body.encode())
    assert (executor.app_name, executor.address) == ("bench-py", "http://127.0.0.1:18101")


@pytest.mark.parametrize("body", recorded("callback"))
def test_recorded_callbacks_are_understood(body: str) -> None:
    (sent,) = json.loads(body)
    assert parse_callbacks(body.encode()) == [Outcome(sent["logId"], sent["handleCode"], sent["handleMsg"])]


@pytest.mark.parametrize(
    ("item", "outcome"),
    [
        pytest.param(
            {"logId": 1, "logDateTim": 5, "executeResult": {"code": 200, "msg": "ok", "content": None}},
            Outcome(1, 200, "ok"),
            id="2.2",
        ),
        pytest.param(
            {"logId": 1, "logDateTim": 5, "handleCode": 502, "handleMsg": "job execute timeout"},
            Outcome(1, 502, "job execute timeout"),
            id="2.3 to 3.4",
        ),
        pytest.param({"logId": 1, "logDateTim": 5, "handleCode": 200}, Outcome(1, 200, ""), id="gson omits nulls"),
        pytest.param(
            {"logId": 1, "logDateTime": 5, "handleCode": 500, "handleMsg": "boom"},
            Outcome(1, 500, "boom"),
            id="the date with its last letter",
        ),
        pytest.param(
            {"logId": 1, "handleCode": 500, "handleMsg": "new", "executeResult": {"code": 200, "msg": "old"}},
            Outcome(1, 500, "new"),
            id="both: the newer one counts",
        ),
        pytest.param(
            {"logId": 1, "handleCode": 0, "executeResult": {"code": 200, "msg": None}},
            Outcome(1, 200, ""),
            id="handleCode 0 says nothing",
        ),
        pytest.param({"logId": "17", "handleCode": "200", "handleMsg": 42}, Outcome(17, 200, "42"), id="gson coerces"),
    ],
)
def test_every_released_dialect_of_a_callback_says_how_the_run_ended(item: object, outcome: Outcome) -> None:
    assert parse_callbacks(json.dumps([item]).encode()) == [outcome]


def test_a_callback_holds_any_number_of_outcomes() -> None:
    body = json.dumps([{"logId": number, "handleCode": 200} for number in range(500)]).encode()
    assert [outcome.log_id for outcome in parse_callbacks(body)] == list(range(500))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "request error: the body is not JSON"),
        (b"{", "request error: the body is not JSON"),
        (b"\xff\xfe", "request error: the body is not JSON"),
        (b"[" * 100_000, "request error: the body is not JSON"),
        (b"null", "request error: body: Input should be a valid list"),
        (b'{"logId":1,"handleCode":200}', "request error: body: Input should be a valid list"),
        (b"[null]", "request error: 0: Input should be a valid dictionary or instance of CallbackItem"),
        (b'[{"handleCode":200}]', "request error: 0.logId: Field required"),
        (
            b'[{"logId":"../../x","handleCode":200}]',
            "request error: 0.logId: Input should be a valid integer, unable to parse string as an integer",
        ),
        (
            b'[{"logId":1,"handleCode":200,"handleMsg":{"a":1}}]',
            "request error: 0.handleMsg: Input should be a valid string",
        ),
        (b'[{"logId":1,"logDateTim":5}]', "callback of log 1 has neither handleCode nor executeResult"),
    ],
)
def test_a_malformed_callback_is_refused_with_place_and_rule(body: bytes, reason: str) -> None:
    with pytest.raises(ProtocolError) as refused:
        parse_callbacks(body)
    assert str(refused.value) == reason


def test_one_malformed_item_refuses_the_whole_callback() -> None:
    with pytest.raises(ProtocolError):
        parse_callbacks(b'[{"logId":1,"handleCode":200},{"logId":2}]')


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("registryGroup", "", "registryGroup: String should have at least 1 character"),
        ("registryKey", None, "registryKey: Input should be a valid string"),
        ("registryKey", "x" * 256, "registryKey: String should have at most 255 characters"),
        ("registryValue", "not a url", "registryValue: Value error, must be an http address"),
        ("registryValue", "file:///etc/passwd", "registryValue: Value error, must be an http address"),
    ],
)
def test_a_malformed_registration_is_refused_with_place_and_rule(key: str, value: object, reason: str) -> None:
    body = {"registryGroup": "EXECUTOR", "registryKey": "demo", "registryValue": "http://127.0.0.1:9999", key: value}
    with pytest.raises(ProtocolError) as refused:
        parse_registry(json.dumps(body).encode())
    assert str(refused.value) == f"request error: {reason}"


@pytest.mark.parametrize("payload", [None, {}, {"toLineNum": 3, "logContent": "No such logid logs."}])
def test_no_log_yet_is_an_empty_page(payload: object) -> None:
    assert parse_log(payload).content == ""


@pytest.mark.parametrize("payload", ["text", {"toLineNum": "many", "logContent": "x"}])
def test_what_is_no_page_of_a_log_is_refused(payload: object) -> None:
    with pytest.raises(ProtocolError):
        parse_log(payload)
