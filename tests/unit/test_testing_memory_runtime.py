"""The whole runtime on memory twins: complete, and nowhere but in its folder."""

from pathlib import Path

import pytest
from sqlalchemy import text

from app.alerts.memory import MemoryAlertSender
from app.common.const import ProcessRole
from app.common.errors import StartupError
from app.config.sources.memory import MemorySource
from app.testing.memory_runtime import build_test_environment, open_memory_runtime, settings_text

QUIET = {"log": {"console": False}}


async def test_it_is_a_real_runtime_with_a_database_and_kept_alerts(tmp_path: Path) -> None:
    async with open_memory_runtime(tmp_path, QUIET) as runtime:
        async with runtime.db.transaction() as session:
            assert (await session.execute(text("SELECT 1"))).scalar_one() == 1
        assert isinstance(runtime.alerts, MemoryAlertSender)
        assert runtime.instance.startswith("executor-")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "log"]


async def test_without_a_folder_it_leaves_nothing_behind() -> None:
    async with open_memory_runtime(settings=QUIET) as runtime:
        folder = runtime.environment.data_dir
        assert folder.is_dir()
    assert not folder.parent.exists()


async def test_parts_are_replaced(tmp_path: Path) -> None:
    alerts, source = MemoryAlertSender(), MemorySource("orders: {limit: 4}\nlog: {console: false}\n")
    parts = {"alerts": alerts, "source": source}
    async with open_memory_runtime(tmp_path, overrides=parts, role=ProcessRole.WEB) as runtime:
        assert runtime.alerts is alerts
        assert runtime.settings.state.snapshot.settings.get("orders.limit") == 4
        assert runtime.instance.startswith("web-")


async def test_other_environments_are_as_strict_as_outside(tmp_path: Path) -> None:
    settings = {**QUIET, "database": {"pool_size": -1}}
    with pytest.raises(StartupError, match=r"database\.pool_size"):
        async with open_memory_runtime(tmp_path, settings, environment="prod"):
            raise AssertionError("must not open")


def test_this_process_s_variables_are_not_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP__SERVER__PORT", "1")
    monkeypatch.setenv("INSTANCE_ID", "other")
    environment = build_test_environment(tmp_path, "prod")
    assert "APP__SERVER__PORT" not in environment.variables
    assert (environment.name, environment.instance_id) == ("prod", None)
    assert environment.config_file == tmp_path / "config_prod.yaml"


@pytest.mark.parametrize(
    ("given", "document"),
    [("", "{}\n"), ("a: 1", "a: 1"), ({"b": {"二": 2}, "a": 1}, "b:\n  二: 2\na: 1\n")],
)
def test_settings_are_text_or_a_mapping(given: object, document: str) -> None:
    assert settings_text(given) == document  # type: ignore[arg-type]
