"""How the console comes into an application."""

from pathlib import Path

import pytest

from app.jobs.registry import JobRegistry
from app.scheduler.models import RunOrder
from app.scheduler.service import NoExecutor
from app.scheduler.wiring import build_scheduler
from support.scheduler import ManualClock, build_app, open_client, open_test_runtime


async def test_the_routers_lifespan_builds_the_console_when_the_application_starts(tmp_path: Path) -> None:
    async with open_test_runtime(tmp_path) as runtime:
        app = build_app(runtime)
        assert not hasattr(app.state, "scheduler")
        async with open_client(app):
            assert app.state.scheduler.list_executors() == []


async def test_outside_the_local_environment_nothing_is_built(tmp_path: Path) -> None:
    async with open_test_runtime(tmp_path, env="prod") as runtime:
        app = build_app(runtime)
        async with open_client(app):
            assert not hasattr(app.state, "scheduler")


async def test_an_executor_is_chosen_by_the_app_name_of_the_settings(tmp_path: Path) -> None:
    async with open_test_runtime(tmp_path, "xxl-job: {app_name: our-executor}\n") as runtime:
        scheduler = build_scheduler(runtime, [], clock=ManualClock())
        with pytest.raises(NoExecutor) as missing:
            await scheduler.trigger(RunOrder("report"))
        await scheduler.close()
    assert missing.value.details == {"app_name": "our-executor"}


async def test_the_jobs_are_those_of_the_task_packages_and_of_the_features(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = JobRegistry()
    monkeypatch.setattr("app.jobs.registry.default_registry", registry)
    monkeypatch.setattr("app.jobs.loading.default_registry", registry)
    for name in ("wiring_tasks", "wiring_feature"):
        (tmp_path / f"{name}.py").write_text(
            f"from app.jobs.registry import job\n\n@job('{name}_job')\ndef run() -> None: ...\n"
        )
    monkeypatch.syspath_prepend(tmp_path)
    async with open_test_runtime(tmp_path, "xxl-job: {task_packages: [wiring_tasks]}\n") as runtime:
        scheduler = build_scheduler(runtime, ["wiring_feature"])
        names = [found.name for found in await scheduler.list_jobs()]
        await scheduler.close()
    assert names == ["wiring_feature_job", "wiring_tasks_job"]


async def test_several_workers_are_warned_that_the_console_lives_in_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with (
        open_test_runtime(tmp_path, "server: {workers: 2}\n") as runtime,
        open_client(build_app(runtime)),
    ):
        pass
    assert "set server.workers to 1 to use it" in capsys.readouterr().err
