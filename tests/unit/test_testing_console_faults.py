"""Faults begin and end when they are told to."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from app.testing.fake_console import FakeConsole, Fault

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


def test_faults_come_and_go(console: FakeConsole) -> None:
    console.fault = Fault.HTTP_500
    assert post(console, "registry", {}).status_code == 500
    console.fault = Fault.GARBAGE
    assert post(console, "registry", {}).text.startswith("<html>")
    console.fault = Fault.REDIRECT
    assert post(console, "registry", {}).headers["Location"] == "/login"
    console.fault = Fault.DROP
    with pytest.raises(httpx.RemoteProtocolError):
        post(console, "registry", {})
    assert console.registrations == []
    console.fault = None
    assert post(console, "registry", {}).json()["code"] == 200


def test_a_slow_console_has_taken_what_it_does_not_answer_yet(console: FakeConsole) -> None:
    console.faults.slow_seconds = 0.2
    console.fault = Fault.SLOW
    begun = time.monotonic()
    assert post(console, "callback", [item(1)]).json()["code"] == 200
    assert time.monotonic() - begun >= 0.2
    with pytest.raises(httpx.ReadTimeout):
        post(console, "callback", [item(2)], timeout=0.05)
    assert console.callback_of(2) is not None


def test_a_hanging_console_takes_nothing(console: FakeConsole) -> None:
    console.fault = Fault.HANG
    with pytest.raises(httpx.ReadTimeout):
        post(console, "callback", [item(1)], timeout=0.05)
    console.fault = None
    assert console.callbacks == []


def test_a_script_of_faults_is_played_one_for_each_request(console: FakeConsole) -> None:
    console.script(Fault.HTTP_500, None, Fault.REFUSE)
    answers = [post(console, "registry", REGISTRATION) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [500, 200, 200, 200]
    assert [answer.json()["code"] for answer in answers[1:]] == [200, 500, 200]
