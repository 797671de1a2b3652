"""The two credentials of a process."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.common.errors import StartupError
from app.config.compose import compose
from app.config.environment import load_environment
from app.config.snapshot import Settings
from app.config.tokens import access_token, ensure_local_token, ops_token
from support.settings import build_schema, documents


def settings_of(text: str) -> Settings:
    return compose(documents(text), build_schema()).settings


def test_a_local_token_is_made_once_and_read_by_its_user_only(tmp_path: Path) -> None:
    first = ensure_local_token(tmp_path, "ops_token")
    assert ensure_local_token(tmp_path, "ops_token") == first
    assert len(first) >= 32
    assert stat.S_IMODE((tmp_path / "tokens" / "ops_token").stat().st_mode) == 0o600


def test_whoever_asks_at_the_same_time_gets_the_same_token(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        tokens = set(pool.map(lambda _: ensure_local_token(tmp_path, "ops_token"), range(64)))
    assert len(tokens) == 1
    assert [path.name for path in (tmp_path / "tokens").iterdir()] == ["ops_token"]


def test_the_configured_operations_token_wins(tmp_path: Path) -> None:
    environment = load_environment({"DATA_DIR": str(tmp_path)})
    assert ops_token(environment, settings_of("server: {ops_token: a1b2}\n")) == "a1b2"


def test_locally_a_token_is_made_when_none_is_configured(tmp_path: Path) -> None:
    environment = load_environment({"DATA_DIR": str(tmp_path)})
    assert ops_token(environment, settings_of("{}\n")) == ensure_local_token(tmp_path, "ops_token")


@pytest.mark.parametrize("weak", ["", "changeme", "default_token", "<token>", "PASSWORD", "${TOKEN}"])
def test_elsewhere_a_weak_operations_token_is_none(tmp_path: Path, weak: str) -> None:
    environment = load_environment({"DATA_DIR": str(tmp_path), "APP_ENV": "prod"})
    assert ops_token(environment, settings_of(f"server: {{ops_token: '{weak.replace('$', '$$')}'}}\n")) is None


@pytest.mark.parametrize("weak", ["", "default_token", "Default_Token"])
def test_elsewhere_a_weak_access_token_refuses_the_start(tmp_path: Path, weak: str) -> None:
    environment = load_environment({"DATA_DIR": str(tmp_path), "APP_ENV": "prod"})
    with pytest.raises(StartupError, match=r"xxl-job\.access_token is empty or well known"):
        access_token(environment, settings_of(f"xxl-job: {{access_token: '{weak}'}}\n"))


def test_a_weak_access_token_may_be_allowed(tmp_path: Path) -> None:
    environment = load_environment({"DATA_DIR": str(tmp_path), "APP_ENV": "prod"})
    text = "xxl-job: {access_token: default_token, allow_weak_token: true}\n"
    assert access_token(environment, settings_of(text)) == "default_token"


def test_locally_the_console_and_the_executor_share_the_machine_s_token(tmp_path: Path) -> None:
    environment = load_environment({"DATA_DIR": str(tmp_path)})
    settings = settings_of("{}\n")
    assert access_token(environment, settings) == access_token(environment, settings) != ""
