"""A runtime on memory twins, and an echo that answers without a network."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from app.common.const import ProcessRole
from app.config.http_client import HttpClient
from app.runtime import Runtime
from app.testing.memory_runtime import open_memory_runtime


@dataclass
class Echo:
    """Who is asked to echo, and what was asked."""

    answer: httpx.Response = field(
        default_factory=lambda: httpx.Response(
            200, json={"msg": "Hello world", "time": "2031-05-01T12:00:00Z", "host": "echo-host"}
        )
    )
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answer


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
async def runtime(tmp_path: Path, echo: Echo) -> AsyncIterator[Runtime]:
    parts = {"http": HttpClient(transport=httpx.MockTransport(echo))}
    settings = {"demo": {"greeting": "Welcome"}, "log": {"console": False}}
    async with open_memory_runtime(tmp_path, settings, parts, role=ProcessRole.WEB) as opened:
        yield opened
