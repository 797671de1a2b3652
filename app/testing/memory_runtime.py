"""A whole runtime on memory twins: settings from a text, SQLite and logs in a folder of the test's own."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from app.alerts.memory import MemoryAlertSender
from app.bootstrap import open_runtime
from app.common.const import LOCAL_ENVIRONMENT, ProcessRole
from app.config.environment import Environment, load_environment
from app.config.sources.memory import MemorySource
from app.runtime import Runtime

SettingsText = str | Mapping[str, Any]
"""A settings document: its YAML text, or the sections as a mapping."""


@asynccontextmanager
async def open_memory_runtime(
    folder: Path | None = None,
    settings: SettingsText = "",
    overrides: Mapping[str, Any] | None = None,
    *,
    role: ProcessRole = ProcessRole.EXECUTOR,
    environment: str = LOCAL_ENVIRONMENT,
) -> AsyncIterator[Runtime]:
    """The runtime that a process of that role has, with nothing outside of `folder` (without one: a temporary one).

    `overrides` are those of `app.bootstrap.open_runtime`. Alerts are kept in memory (`runtime.alerts.raised`), unless
    overridden: `"alerts": None` sends them as the settings say. Give `source` to push settings: `MemorySource(text)`,
    or a source of `FakeNacos`. Raises StartupError for bad settings.
    """
    parts: dict[str, Any] = {"source": MemorySource(settings_text(settings)), "alerts": MemoryAlertSender()}
    parts.update(overrides or {})
    with TemporaryDirectory(prefix="runtime-") as spare:
        place = build_test_environment(folder or Path(spare), environment)
        async with open_runtime(role, parts, environment=place) as runtime:
            yield runtime


def build_test_environment(folder: Path, name: str = LOCAL_ENVIRONMENT) -> Environment:
    """Every path below `folder`; of this process's variables nothing is seen."""
    paths = {"DATA_DIR": "data", "LOG_PATH": "log", "XXL_LOG_PATH": "xxl_log", "SECRETS_DIR": "secrets"}
    variables = {variable: str(folder / below) for variable, below in paths.items()}
    return load_environment({**variables, "CONFIG_DIR": str(folder), "APP_ENV": name})


def settings_text(settings: SettingsText) -> str:
    """The document as text."""
    if isinstance(settings, str):
        return settings or "{}\n"
    return yaml.safe_dump(dict(settings), allow_unicode=True, sort_keys=False)
