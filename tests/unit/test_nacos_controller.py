"""The settings endpoints."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.alerts.memory import MemoryAlertSender
from app.bootstrap import open_runtime
from app.common.const import MASK, ProcessRole
from app.config.environment import load_environment
from app.config.sources.memory import MemorySource
from app.web.server import create_app

TOKEN = "the-operations-token"
TEXT = f"server: {{ops_token: {TOKEN}}}\nshop: {{limit: 1, password: hidden}}\n"
PATHS = [("GET", "/nacos/getConfig"), ("POST", "/nacos/refresh"), ("GET", "/nacos/status"), ("GET", "/nacos/history")]


class Desk:
    def __init__(self, source: MemorySource, client: httpx.AsyncClient) -> None:
        self.source = source
        self.client = client

    async def ask(self, method: str, path: str, token: str = TOKEN) -> httpx.Response:
        return await self.client.request(method, path, headers={"Authorization": f"Bearer {token}"})


async def open_desk(tmp_path: Path, text: str, environment_name: str = "prod") -> AsyncIterator[Desk]:
    places = {name: str(tmp_path / name.lower()) for name in ("DATA_DIR", "LOG_PATH", "XXL_LOG_PATH")}
    environment = load_environment({"APP_ENV": environment_name, **places})
    source = MemorySource(text)
    overrides = {"source": source, "alerts": MemoryAlertSender()}
    async with open_runtime(ProcessRole.WEB, overrides, environment=environment) as runtime:
        transport = httpx.ASGITransport(create_app(runtime))
        async with httpx.AsyncClient(transport=transport, base_url="http://web") as client:
            yield Desk(source, client)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async for desk in open_desk(tmp_path, TEXT):
        yield desk


@pytest.fixture
async def tokenless_desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async for desk in open_desk(tmp_path, "server: {ops_token: changeme}\n"):
        yield desk


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_none_answers_without_the_token(desk: Desk, method: str, path: str) -> None:
    without = await desk.client.request(method, path)
    wrong = await desk.ask(method, path, token="wrong")
    assert [without.status_code, wrong.status_code] == [401, 401]
    assert without.json()["code"] == "AUTHENTICATION_REQUIRED"


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_none_answers_where_only_a_weak_token_is_configured(tokenless_desk: Desk, method: str, path: str) -> None:
    assert (await tokenless_desk.ask(method, path, token="changeme")).status_code == 401
    assert (await tokenless_desk.ask(method, path, token="")).status_code == 401


async def test_the_effective_document_is_answered_itself(desk: Desk) -> None:
    config = (await desk.ask("GET", "/nacos/getConfig")).json()
    assert config["shop"] == {"limit": 1, "password": MASK}
    assert config["server"]["ops_token"] == MASK
    assert config["xxl-job"]["port"] == 9999


async def test_every_value_names_its_layer_when_asked(desk: Desk) -> None:
    config = (await desk.ask("GET", "/nacos/getConfig?origin=true")).json()
    assert config["shop"]["limit"] == {"value": 1, "origin": "memory.yaml"}


async def test_a_refresh_applies_what_the_source_holds(desk: Desk) -> None:
    desk.source._text = TEXT.replace("limit: 1", "limit: 2")
    first, second = await desk.ask("POST", "/nacos/refresh"), await desk.ask("POST", "/nacos/refresh")
    assert (first.status_code, first.json()["outcome"]) == (200, "applied")
    assert first.json()["changes"] == ["shop.limit: 1 → 2"]
    assert first.json()["config"]["shop"]["limit"] == 2
    assert first.json()["revision"] == 2
    assert first.json()["instance"].startswith("web-")
    assert (second.status_code, second.json()["outcome"]) == (200, "unchanged")


async def test_a_refused_text_answers_409_every_time_and_changes_nothing(desk: Desk) -> None:
    desk.source._text = TEXT + "database: {port: many}\n"
    answers = [await desk.ask("POST", "/nacos/refresh") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [409, 409, 409]
    assert answers[0].json()["outcome"] == "refused"
    assert answers[0].json()["reasons"] == [
        "memory.yaml:3:12: database.port: Input should be a valid integer, unable to parse string as an integer"
    ]
    assert answers[0].json()["config"]["shop"]["limit"] == 1


async def test_a_database_that_is_not_there_answers_409_pending(desk: Desk, free_port: int) -> None:
    desk.source._text = TEXT + f"database: {{host: 127.0.0.1, port: {free_port}, password: hidden-too}}\n"
    answer = await desk.ask("POST", "/nacos/refresh")
    assert (answer.status_code, answer.json()["outcome"]) == (409, "pending")
    assert str(free_port) in answer.json()["reasons"][0]
    assert "hidden-too" not in answer.text


async def test_an_unreachable_source_answers_502(desk: Desk) -> None:
    desk.source.available = False
    answer = await desk.ask("POST", "/nacos/refresh")
    assert (answer.status_code, answer.json()["code"]) == (502, "UPSTREAM_FAILED")


async def test_the_status_says_where_the_settings_stand(desk: Desk) -> None:
    status = (await desk.ask("GET", "/nacos/status")).json()
    assert status["revision"] == 1
    assert status["source"]["kind"] == "memory"
    assert status["refused"] is None


async def test_the_history_has_the_newest_apply_first(desk: Desk) -> None:
    desk.source._text = TEXT.replace("password: hidden", "password: other")
    await desk.ask("POST", "/nacos/refresh")
    history = await desk.ask("GET", "/nacos/history")
    newest, start = history.json()["entries"]
    assert newest["changes"] == [f"shop.password: {MASK} → {MASK}"]
    assert (newest["trigger"], start["trigger"]) == ("refresh", "start")
    assert "other" not in history.text


async def test_numbers_that_json_does_not_know_are_shown_as_text(desk: Desk) -> None:
    desk.source.publish(TEXT + "limits: [.inf, .nan]\n")
    assert (await desk.ask("POST", "/nacos/refresh")).status_code == 200
    assert (await desk.ask("GET", "/nacos/getConfig")).json()["limits"] == ["inf", "nan"]
