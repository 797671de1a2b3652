"""The kit's fixtures, as the conftest of these tests takes them from the plugin."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from app.testing.fake_console import FakeConsole
from app.testing.fake_nacos import FakeNacos
from app.testing.job_run import JobRun
from app.testing.robot_double import RobotDouble

QUIET = {"log": {"console": False}}


async def test_run_job_keeps_its_files_in_the_test_s_folder(
    run_job: Callable[..., Awaitable[JobRun]], tmp_path: Path
) -> None:
    assert (await run_job(lambda: "done", settings=QUIET)).message == "done"
    assert (tmp_path / "data").is_dir()


def test_run_job_sync_needs_no_loop(run_job_sync: Callable[..., JobRun]) -> None:
    assert run_job_sync(lambda: "done", settings=QUIET).message == "done"


def test_a_console_is_of_version_3_3(fake_console: FakeConsole) -> None:
    assert fake_console.dialect == "3.3"


@pytest.mark.parametrize("fake_console", ["2.2", "3.5"], indirect=True)
def test_a_console_is_of_the_version_that_is_asked_for(
    fake_console: FakeConsole, request: pytest.FixtureRequest
) -> None:
    assert fake_console.dialect == request.node.callspec.params["fake_console"]


def test_consoles_are_as_many_as_are_asked_for(fake_consoles: Callable[..., FakeConsole]) -> None:
    first, second = fake_consoles(), fake_consoles(dialect="3.5", path="")
    assert first.url != second.url
    assert second.dialect == "3.5"


def test_nacos_has_nothing_published(fake_nacos: FakeNacos) -> None:
    assert fake_nacos.text("public", "app.yaml") is None


def test_a_robot_has_its_key(robot: RobotDouble) -> None:
    assert robot.keys == {"robot-key-1"}
    assert robot.url.startswith("http://127.0.0.1:")
