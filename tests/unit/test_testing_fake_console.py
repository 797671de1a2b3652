"""The double behaves as the console does, so that tests with it mean something."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.testing.fake_console import FakeConsole, Fault

RECORDED = Path(__file__).parent / "wire" / "executor-to-console-3.3.jsonl"


@pytest.fixture
def console() -> Iterator[FakeConsole]:
    with FakeConsole(token="default_token") as opened:
        yield opened


def test_it_answers_recorded_requests_as_the_real_console_did(console: FakeConsole) -> None:
    for line in RECORDED.read_text().splitlines():
        exchange = json.loads(line)
        url = console.url.removesuffix("/xxl-job-admin") + exchange["path"]
        answer = httpx.post(url, content=exchange["body"], headers=exchange["headers"], trust_env=False)
        assert (answer.status_code, answer.json()) == (exchange["status"], json.loads(exchange["resp"]))

    assert [callback["logId"] for callback in console.callbacks] == [1, 3]
    assert console.callback_of(3) == console.callbacks[1]
    assert console.callback_of(99) is None


def test_a_wrong_token_is_refused_with_http_200(console: FakeConsole) -> None:
    answer = httpx.post(f"{console.url}/api/registry", json={}, headers={"XXL-JOB-ACCESS-TOKEN": "no"}, trust_env=False)
    assert (answer.status_code, answer.json()["msg"]) == (200, "The access token is wrong.")
    assert console.registrations == []


def test_faults_come_and_go(console: FakeConsole) -> None:
    def call() -> httpx.Response:
        headers = {"XXL-JOB-ACCESS-TOKEN": console.token}
        return httpx.post(f"{console.url}/api/registry", json={}, headers=headers, trust_env=False)

    console.fault = Fault.HTTP_500
    assert call().status_code == 500
    console.fault = Fault.GARBAGE
    assert call().text.startswith("<html>")
    console.fault = Fault.DROP
    with pytest.raises(httpx.RemoteProtocolError):
        call()
    console.fault = None
    assert call().json()["code"] == 200


def test_it_comes_back_on_its_port(console: FakeConsole) -> None:
    url = console.url
    console.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)
    console.start()
    assert console.url == url
    assert httpx.get(url, trust_env=False).status_code == 501
