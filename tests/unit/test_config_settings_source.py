"""Which source the settings come from."""

from pathlib import Path

import pytest

from app.common.errors import StartupError
from app.config.environment import Environment, load_environment
from app.config.settings_source import build_source, load_nacos_connection


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "nacos").write_text("from-file\n")
    return tmp_path


def environment_of(folder: Path, text: str | None, **variables: str) -> Environment:
    if text is not None:
        (folder / "config_prod.yaml").write_text(text)
    places = {"CONFIG_DIR": str(folder), "DATA_DIR": str(folder), "SECRETS_DIR": str(folder / "secrets")}
    return load_environment({"APP_ENV": "prod", **places, **variables})


def test_a_file_without_a_nacos_section_holds_the_settings_itself(folder: Path) -> None:
    environment = environment_of(folder, "server: {port: 1}\n", NACOS_HOST="ignored:8848")
    connection = load_nacos_connection(environment)
    assert connection is None
    assert build_source(environment, connection).kind == "file"


def test_a_nacos_section_is_the_connection_with_placeholders_filled_in(folder: Path) -> None:
    text = "nacos: {host: '${HOST_OF_NACOS}', data_id: app.yaml, username: u, password: '${file:nacos}'}\n"
    environment = environment_of(folder, text, HOST_OF_NACOS="nacos:8848")
    connection = load_nacos_connection(environment)
    assert connection is not None
    assert connection.addresses[0].netloc == "nacos:8848"
    assert connection.password.get_secret_value() == "from-file"
    assert build_source(environment, connection).kind == "nacos"


def test_variables_override_the_section(folder: Path) -> None:
    environment = environment_of(folder, "nacos: {host: a, data_id: app.yaml}\n", NACOS_HOST="b", NACOS_GROUP="G")
    connection = load_nacos_connection(environment)
    assert connection is not None
    assert (connection.addresses[0].host, connection.group) == ("b", "G")


def test_variables_alone_are_enough(folder: Path) -> None:
    connection = load_nacos_connection(environment_of(folder, None, NACOS_HOST="n:1", NACOS_DATA_ID="app.yaml"))
    assert connection is not None
    assert connection.data_ids == ("app.yaml",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "settings file config_prod.yaml can't be read: No such file or directory"),
        ("nacos: {host: a}\nserver: {port: 1}\n", "holds only the connection; move server into the document in Nacos"),
        ("nacos: {host: '${ABSENT}'}\n", "environment variable ABSENT is not set"),
        ("nacos: there\n", "nacos must be a mapping"),
        ("nacos: [\n", "config_prod.yaml:2:1"),
    ],
)
def test_what_can_not_be_used_says_what_to_do(folder: Path, text: str | None, message: str) -> None:
    with pytest.raises(StartupError) as error:
        load_nacos_connection(environment_of(folder, text))
    assert message in error.value.message
