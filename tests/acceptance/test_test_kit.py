"""The two processes between the doubles of the test kit: no other server is needed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from app.testing.fake_console import FakeConsole
from app.testing.fake_nacos_server import FakeNacosServer
from servers.waiting import wait_for
from support.processes import ACCESS_TOKEN, Deployment


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    with Deployment(tmp_path, "test") as opened:
        yield opened


@pytest.fixture
def console() -> Iterator[FakeConsole]:
    with FakeConsole(ACCESS_TOKEN, dialect="3.5") as opened:
        yield opened


def test_a_pushed_setting_is_that_of_the_next_run_that_the_console_triggers(
    deployment: Deployment, console: FakeConsole, fake_nacos_server: FakeNacosServer
) -> None:
    def publish(limit: int) -> None:
        text = deployment.document(f"shop: {{limit: {limit}}}\n", url=console.url)
        fake_nacos_server.publish("app.yaml", text)

    publish(1)
    deployment.write_config(yaml.safe_dump({"nacos": fake_nacos_server.section()}))
    deployment.start_executor()
    registration = wait_for(lambda: console.registrations, what="a registered executor")[0]
    wait_for(lambda: fake_nacos_server.grpc.listening, what="the executor's listener")

    publish(2)
    wait_for(lambda: deployment.lines_with("settings applied trigger=push", "executor"), what="the push")

    run = console.calls.trigger(registration["registryValue"], "tell_setting")
    assert wait_for(lambda: console.outcome_of(run["logId"]), what="the callback")[0] == 200
    page = console.calls.read_log(registration["registryValue"], run["logId"], run["logDateTime"])
    assert "shop.limit is 2" in page["logContent"]
