"""Both processes start while their database is down, and see it come up, and go, and come again."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from app.testing.fake_console import FakeConsole
from app.testing.robot_double import RobotDouble
from servers.fixtures import lend
from servers.mariadb import MariaDb, open_mariadb
from servers.waiting import wait_for
from support.executor import trigger
from support.processes import ACCESS_TOKEN, Deployment


@dataclass
class Scene:
    deployment: Deployment
    database: MariaDb
    console: FakeConsole
    robot: RobotDouble

    def run(self, handler: str) -> dict[str, Any]:
        """Triggers the job, and returns its callback."""
        body = trigger(handler)
        assert self.deployment.call_executor("/run", body)["code"] == 200
        return wait_for(lambda: self.console.callback_of(body["logId"]), what=f"the callback of {handler}")

    def told(self, phrase: str) -> int:
        return len([text for text in self.robot.contents() if phrase in text])


@pytest.fixture(scope="module")
def database() -> Iterator[MariaDb]:
    yield from lend(open_mariadb)


@pytest.fixture(scope="module")
def outage(database: MariaDb, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Web and executor, started without their database."""
    database.stop()
    folder = tmp_path_factory.mktemp("outage")
    with Deployment(folder) as deployment, FakeConsole(ACCESS_TOKEN) as console, RobotDouble() as robot:
        section = "".join(f"  {key}: {value}\n" for key, value in database.section.items())
        robots = f"  robot_templates: {{default: {{key: {next(iter(robot.keys))}}}}}\n"
        extra = f"database:\n{section}wechat:\n  base_url: {robot.url}\n{robots}"
        deployment.write_config(deployment.document(extra, url=console.url))
        deployment.start_web(module="support.web")
        deployment.start_executor()
        yield Scene(deployment, database, console, robot)


@pytest.fixture(scope="module")
def recovery(outage: Scene) -> Scene:
    """The same, once the database has come up: what needs the outage stands above in this file."""
    outage.database.start()
    wait_for(lambda: outage.deployment.status_of("/health/ready") == 200, seconds=45, what="ready again")
    return outage


def test_the_web_process_lives_without_its_database_but_is_not_ready(outage: Scene) -> None:
    assert outage.deployment.status_of("/health/live") == 200
    answer = outage.deployment.ask("GET", "/health/ready", token=None)
    assert (answer.status_code, answer.json()) == (503, {"status": "DOWN"})


def test_the_operations_token_is_told_what_is_missing(outage: Scene) -> None:
    answer = outage.deployment.ask("GET", "/health/ready")
    assert answer.status_code == 503
    assert [name for name, health in answer.json()["resources"].items() if not health["up"]] == ["database"]


def test_a_request_that_needs_the_database_is_answered_at_once(outage: Scene) -> None:
    started = time.monotonic()
    answer = outage.deployment.ask("GET", "/probe/database")
    assert time.monotonic() - started < 1
    assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")


def test_jobs_run_unless_they_need_the_database(outage: Scene) -> None:
    assert outage.run("tell_setting")["handleCode"] == 200
    failed = outage.run("read_database")
    assert failed["handleCode"] == 500
    assert "database is not available" in failed["handleMsg"]


def test_each_process_tells_the_outage_once(outage: Scene) -> None:
    wait_for(lambda: outage.told("database can't be connected") == 2, what="an alert of web and one of the executor")


def test_requests_and_jobs_use_the_database_once_it_has_come_up(recovery: Scene) -> None:
    assert recovery.deployment.ask("GET", "/probe/database").json() == 1
    wait_for(lambda: recovery.told("database is connected again") == 2, seconds=45, what="a recovery of each process")
    assert recovery.run("read_database")["handleCode"] == 200
    assert recovery.told("database can't be connected") == 2


def test_the_next_request_works_after_a_restart_of_the_database(recovery: Scene) -> None:
    recovery.database.restart()
    assert recovery.deployment.ask("GET", "/probe/database").json() == 1
    assert recovery.run("read_database")["handleCode"] == 200
