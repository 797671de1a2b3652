"""What the process is told by its environment."""

from pathlib import Path

import pytest

from app.common.errors import StartupError
from app.config.environment import PROJECT_ROOT, load_environment


def test_without_variables_it_is_local_below_the_project() -> None:
    environment = load_environment({})
    assert environment.is_local
    assert environment.config_file == PROJECT_ROOT / "config_local.yaml"
    assert (environment.data_dir, environment.log_path) == (PROJECT_ROOT / "data", PROJECT_ROOT / "log")
    assert environment.xxl_log_path == PROJECT_ROOT / "xxl_log"


def test_every_place_can_be_set() -> None:
    environment = load_environment(
        {"APP_ENV": "uat-2", "CONFIG_DIR": "/etc/app", "DATA_DIR": "/d", "LOG_PATH": "/l", "XXL_LOG_PATH": "/x"}
    )
    assert environment.config_file == Path("/etc/app/config_uat-2.yaml")
    assert [environment.data_dir, environment.log_path, environment.xxl_log_path] == [
        Path("/d"),
        Path("/l"),
        Path("/x"),
    ]


@pytest.mark.parametrize("name", ["Prod", "../x", "a b", "生产"])
def test_a_name_that_could_be_anything_but_a_name_is_refused(name: str) -> None:
    with pytest.raises(StartupError, match=r"APP_ENV must match \[a-z0-9_-\]\+"):
        load_environment({"APP_ENV": name})


def test_a_data_folder_that_can_not_be_made_says_what_to_set(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartupError, match="set DATA_DIR to a writable folder"):
        load_environment({"DATA_DIR": str(tmp_path / "file" / "data")}).create_directories()


def test_variables_are_not_shown() -> None:
    assert "hunter2" not in repr(load_environment({"DB_PASSWORD": "hunter2"}))
