"""A runtime by hand: settings in memory, a SQLite file, and an echo that answers without a network."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from app.alerts.memory import MemoryAlertSender
from app.config.compose import Schema
from app.config.db.database import Database
from app.config.db.db_mysql import DatabaseResource
from app.config.environment import load_environment
from app.config.http_client import HttpClient
from app.config.live import LiveSettings
from app.config.placeholders import PlaceholderSource
from app.config.sources.memory import MemorySource
from app.demo_business.models import metadata
from app.demo_business.schemas import DemoSettings
from app.runtime import Runtime
from support.settings import RecordingObserver


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
    live = LiveSettings(
        MemorySource("demo: {greeting: Welcome}\n"),
        Schema(PlaceholderSource({}, tmp_path, None), {"demo": DemoSettings}),
        (DatabaseResource(tmp_path, lambda: [metadata], create_tables=True),),
        RecordingObserver(),
    )
    await live.start()
    http = HttpClient(transport=httpx.MockTransport(echo))
    environment = load_environment({"DATA_DIR": str(tmp_path)})
    yield Runtime(environment, "web-test-0", live, Database(live), http, MemoryAlertSender())
    await http.close()
    await live.close()
