"""The double behaves as the console does, so that tests with it mean something."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.testing.fake_console import ConsoleDialect, FakeConsole

WIRE = Path(__file__).parent / "wire"
REGISTRATION = {"registryGroup": "EXECUTOR", "registryKey": "app", "registryValue": "http://me:1"}


@pytest.fixture
def console() -> Iterator[FakeConsole]:
    with FakeConsole(token="default_token") as opened:
        yield opened


def post(console: FakeConsole, name: str, body: Any, timeout: float = 5, **headers: str) -> httpx.Response:
    headers = headers or {"XXL-JOB-ACCESS-TOKEN": console.token, "XXL-JOB-APPNAME": "app"}
    return httpx.post(
        f"{console.url}/api/{name}", json=body, headers=headers, trust_env=False, verify=False, timeout=timeout
    )


def item(log_id: int, **fields: Any) -> dict[str, Any]:
    return {"logId": log_id, "logDateTim": 1, "handleCode": 200, "handleMsg": "ok", **fields}


@pytest.mark.parametrize(
    ("dialect", "told"),
    [("3.3", [(1, 200), (2, 200), (3, 500), (4, 500), (5, 500), (6, 500)]), ("3.5", [(1, 200), (2, 500)])],
)
def test_it_answers_recorded_requests_as_the_real_console_did(
    console: FakeConsole, dialect: str, told: list[tuple[int, int]]
) -> None:
    console.dialect = ConsoleDialect(dialect)
    for line in (WIRE / f"executor-to-console-{dialect}.jsonl").read_text().splitlines():
        exchange = json.loads(line)
        url = console.url.removesuffix("/xxl-job-admin") + exchange["path"]
        answer = httpx.post(url, content=exchange["body"], headers=exchange["headers"], trust_env=False, verify=False)
        assert (answer.status_code, answer.json()) == (exchange["status"], json.loads(exchange["resp"]))

    assert [(one["logId"], one["handleCode"]) for one in console.callbacks] == told


@pytest.mark.parametrize(
    ("dialect", "answer"),
    [
        ("2.2", {"code": 200, "msg": None, "content": None}),
        ("2.3", {"code": 200, "msg": None, "content": None}),
        ("3.3", {"code": 200, "data": None, "msg": "Success", "success": True}),
        ("3.5", {"code": 200, "data": None, "msg": "Success", "success": True}),
    ],
)
def test_it_says_yes_as_its_version_does(console: FakeConsole, dialect: str, answer: dict[str, Any]) -> None:
    console.dialect = ConsoleDialect(dialect)
    assert post(console, "registry", REGISTRATION).json() == answer
    assert console.registrations == [REGISTRATION]


@pytest.mark.parametrize("dialect", ["2.2", "2.3", "3.3"])
def test_a_wrong_token_is_refused_with_http_200(console: FakeConsole, dialect: str) -> None:
    console.dialect = ConsoleDialect(dialect)
    answer = post(console, "registry", REGISTRATION, **{"XXL-JOB-ACCESS-TOKEN": "no"})
    assert (answer.status_code, answer.json()["msg"]) == (200, "The access token is wrong.")
    assert (console.registrations, len(console.requests)) == ([], 1)


def test_2_2_reads_the_outcome_elsewhere_than_later_versions(console: FakeConsole) -> None:
    both = item(1, executeResult={"code": 500, "msg": "old"})
    post(console, "callback", [both])
    console.dialect = ConsoleDialect.V2_2
    post(console, "callback", [{**both, "logId": 2}])
    assert (console.outcome_of(1), console.outcome_of(2)) == ((200, "ok"), (500, "old"))


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        ("3.3", {"callbackList": [item(1)]}),
        ("3.5", [item(1)]),
        ("3.3", [item(1, handleMsg={"a": 1})]),
        ("3.3", [item(1, handleMsg=["a"])]),
        ("3.5", {"callbackList": [item(1, handleMsg={"a": 1})]}),
    ],
)
def test_what_its_version_cannot_read_is_refused_whole(console: FakeConsole, dialect: str, body: Any) -> None:
    console.dialect = ConsoleDialect(dialect)
    answer = post(console, "callback", body).json()
    assert (answer["code"], "Expected" in answer["msg"]) == (500, True)
    assert console.callbacks == []


def test_a_poisoned_callback_spoils_its_batch_only(console: FakeConsole) -> None:
    console.poison = {2}
    assert post(console, "callback", [item(1), item(2)]).json()["code"] == 500
    assert post(console, "callback", [item(1), item(3)]).json()["code"] == 200
    assert console.callback_of(2) is None
    assert console.callback_of(3) == item(3)
