"""The console's address: its port, its path, its methods."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from app.testing.fake_console import FakeConsole

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


def test_it_comes_back_on_its_port(console: FakeConsole) -> None:
    url = console.url
    console.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False, verify=False)
    console.start()
    assert console.url == url
    assert httpx.get(url, trust_env=False, verify=False).status_code == 501


def test_it_stands_below_any_path_or_none() -> None:
    with FakeConsole(path="") as bare:
        assert post(bare, "registry", REGISTRATION).json()["code"] == 200
        assert (
            httpx.post(f"{bare.url}/xxl-job-admin/api/registry", json={}, trust_env=False, verify=False).status_code
            == 404
        )
