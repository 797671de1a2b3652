"""How the command line finds the console, and what it says when it doesn't."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli.console import CommandFailed, open_console
from servers.ports import free_port
from support.stub_console import StubConsole, open_stub_console


@pytest.fixture
def stub() -> Iterator[StubConsole]:
    with open_stub_console() as found:
        found.answer("GET /jobs", (200, []))
        yield found


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The local settings file."""
    for name, value in {"CONFIG_DIR": tmp_path, "DATA_DIR": tmp_path / "data", "APP_ENV": "local"}.items():
        monkeypatch.setenv(name, str(value))
    path = tmp_path / "config_local.yaml"
    path.write_text("{}\n")
    return path


@pytest.mark.parametrize("host", ["", "host: 127.0.0.1, ", "host: 0.0.0.0, ", "host: localhost, "])
def test_the_address_is_that_of_the_settings_made_dialable(stub: StubConsole, config: Path, host: str) -> None:
    config.write_text(f"server: {{{host}port: {stub.port}}}\n")
    with open_console(None) as console:
        assert console.list_jobs() == []


def test_a_given_address_wins(stub: StubConsole, config: Path) -> None:
    with open_console(f"{stub.url}/") as console:
        assert console.list_jobs() == []


def test_when_nothing_answers_the_fix_is_named(config: Path) -> None:
    port = free_port()
    config.write_text(f"server: {{port: {port}}}\n")
    with open_console(None) as console, pytest.raises(CommandFailed) as failed:
        console.list_jobs()
    assert failed.value.message == f"nothing answers at http://127.0.0.1:{port}: start it with `make run`"


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (401, {"code": "AUTHENTICATION_REQUIRED", "message": "x"}, "doesn't take this machine's token"),
        (409, {"code": "CONFLICT", "message": "the run is over"}, "the run is over"),
        (500, "<html>", "answers 500: is it this project's web process?"),
        (404, {"detail": "Not Found"}, "answers 404: is it this project's web process?"),
    ],
)
def test_what_goes_wrong_is_one_line(stub: StubConsole, config: Path, status: int, body: object, message: str) -> None:
    stub.answer("GET /jobs", (status, body))
    with open_console(stub.url) as console, pytest.raises(CommandFailed) as failed:
        console.list_jobs()
    assert message in failed.value.message
    assert "\n" not in failed.value.message


def test_outside_the_local_environment_there_is_no_console(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_ENV", "prod")
    with pytest.raises(CommandFailed, match="APP_ENV is prod"):
        open_console(None)
