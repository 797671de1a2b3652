"""The composition root."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from app.alerts.memory import MemoryAlertSender
from app.bootstrap import FEATURES, _build_schema, job_packages, load_settings, open_runtime
from app.common.const import MASK, ProcessRole
from app.common.errors import StartupError, Unavailable
from app.common.redaction import redact
from app.common.references import load_reference
from app.config.environment import Environment, load_environment
from app.config.live import settings
from app.config.nacos_config import build_nacos_connection
from app.config.settings import Section
from app.config.sources.memory import MemorySource


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    places = {name: str(tmp_path / name.lower()) for name in ("DATA_DIR", "LOG_PATH", "XXL_LOG_PATH")}
    return load_environment({"CONFIG_DIR": str(tmp_path), **places})


def test_every_reference_of_every_feature_exists() -> None:
    for feature in FEATURES:
        for router in feature.routers:
            assert load_reference(router).routes
        if feature.section:
            assert issubclass(load_reference(feature.section[1]), Section)
        if feature.tables:
            assert load_reference(feature.tables).tables


async def test_a_runtime_opens_with_its_parts_and_takes_them_away(environment: Environment) -> None:
    overrides = {"source": MemorySource("orders: {limit: 3}\n"), "alerts": MemoryAlertSender()}
    async with open_runtime(ProcessRole.WEB, overrides, environment=environment) as runtime:
        assert runtime.instance.startswith("web-")
        assert settings().get("orders.limit") == 3
        assert runtime.settings.value("database")
        assert all(health.up for health in (await runtime.settings.check_all()).values())
    with pytest.raises(Unavailable):
        settings()
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


async def test_an_edit_of_the_file_takes_effect(environment: Environment) -> None:
    environment.config_file.write_text("shop: {open: true}\n")
    async with open_runtime(ProcessRole.WEB, {"alerts": MemoryAlertSender()}, environment=environment):
        environment.config_file.write_text("shop: {open: false}\n")
        async with asyncio.timeout(2):
            while settings().get("shop.open"):
                await asyncio.sleep(0.02)


async def test_a_failed_start_leaves_nothing_open(environment: Environment) -> None:
    environment.config_file.write_text("server: {port: many}\n")
    with pytest.raises(StartupError, match=r"config_local\.yaml:1:10: server\.port"):
        async with open_runtime(ProcessRole.WEB, environment=environment):
            pass
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


async def test_secrets_are_hidden_from_the_log_while_the_runtime_is_open(environment: Environment) -> None:
    overrides = {"source": MemorySource("shop: {password: hidden-word}\n"), "alerts": MemoryAlertSender()}
    async with open_runtime(ProcessRole.WEB, overrides, environment=environment):
        assert redact("it is hidden-word") == f"it is {MASK}"
    assert redact("it is hidden-word") == "it is hidden-word"


async def test_settings_can_be_read_without_a_runtime(environment: Environment) -> None:
    environment.config_file.write_text("server: {port: 8123}\n")
    assert (await load_settings(environment)).server.port == 8123


async def test_jobs_are_looked_for_in_the_task_packages_and_the_features(environment: Environment) -> None:
    environment.config_file.write_text("xxl-job: {task_packages: [my.tasks]}\n")
    packages = job_packages(await load_settings(environment))
    assert packages[0] == "my.tasks"
    assert set(packages[1:]) == {module for feature in FEATURES for module in feature.jobs}


@pytest.mark.parametrize(
    ("role", "name", "text", "warnings"),
    [
        (ProcessRole.WEB, "prod", "{}", 1),
        (ProcessRole.WEB, "prod", "server: {ops_token: changeme}", 1),
        (ProcessRole.WEB, "prod", "server: {ops_token: of-the-team}", 0),
        (ProcessRole.WEB, "local", "{}", 0),
        (ProcessRole.EXECUTOR, "prod", "{}", 0),
    ],
)
async def test_a_web_process_without_a_usable_operations_token_says_so_once(
    environment: Environment, role: ProcessRole, name: str, text: str, warnings: int
) -> None:
    overrides = {"source": MemorySource(text), "alerts": MemoryAlertSender()}
    async with open_runtime(role, overrides, environment=replace(environment, name=name)):
        pass
    lines = "".join(path.read_text() for path in environment.log_path.rglob("*.log"))
    assert lines.count("server.ops_token is not set, or well known") == warnings


def test_a_document_in_nacos_may_read_only_the_variables_that_the_connection_allows(environment: Environment) -> None:
    section = {"host": "nacos", "data_id": "app.yaml", "allow_env": ["DB_PASSWORD"]}
    from_nacos = _build_schema(environment, build_nacos_connection(section, {}))
    from_a_file = _build_schema(environment, None)
    assert from_nacos.placeholders.allowed_names == {"DB_PASSWORD"}
    assert from_a_file.placeholders.allowed_names is None
