"""How the web process binds, how it is configured, and what it says when it can't start."""

import logging
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.common.errors import StartupError
from app.config.settings import ServerSettings
from app.web import process
from app.web.process import FACTORY, PortUnusable, WebConfig, WebServer, bind, run_process
from support.runtime import build_environment, opened_bench


@pytest.fixture(autouse=True)
def uvicorn_s_access_logger_stays_as_it_was() -> Iterator[None]:
    access = logging.getLogger("uvicorn.access")
    handlers, propagates = access.handlers, access.propagate
    yield
    access.handlers, access.propagate = handlers, propagates


def test_locally_it_listens_on_loopback_only(tmp_path: Path) -> None:
    with bind(build_environment(tmp_path, "local"), ServerSettings(port=0)) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


def test_the_configured_host_is_taken(tmp_path: Path) -> None:
    with bind(build_environment(tmp_path, "prod"), ServerSettings(host="::1", port=0)) as listener:
        assert (listener.family, listener.getsockname()[0]) == (socket.AF_INET6, "::1")


def test_a_taken_port_is_named_with_the_fix(tmp_path: Path) -> None:
    environment = build_environment(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortUnusable, match=rf"port {port}: address already in use; .*APP__SERVER__PORT"):
            bind(environment, ServerSettings(port=port))


def test_a_host_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(PortUnusable, match=r"can't listen on no\.such\.host\.invalid port 8000: .*not known|failure"):
        bind(build_environment(tmp_path), ServerSettings(host="no.such.host.invalid"))


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (StartupError("config_prod.yaml is missing"), 78, "web: config_prod.yaml is missing\n"),
        (PortUnusable("can't listen on 127.0.0.1 port 80"), 1, "web: can't listen on 127.0.0.1 port 80\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_what_stops_the_start_is_one_line_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, line: str
) -> None:
    async def fail(_build_app: object) -> None:
        raise error

    monkeypatch.setattr(process, "_serve", fail)
    assert run_process(lambda _runtime: None) == code
    assert capsys.readouterr().err == line


async def test_the_drain_time_is_that_of_the_moment(tmp_path: Path) -> None:
    async with opened_bench(tmp_path, "server: {drain_seconds: 3.5}\n") as bench:
        config = WebConfig(FACTORY)
        assert config.timeout_graceful_shutdown == 4
        await bench.desk.apply("server: {drain_seconds: 60}\n")
        assert config.timeout_graceful_shutdown == 60


def test_the_server_is_quiet_and_names_no_software() -> None:
    config = WebConfig(FACTORY)
    assert (config.factory, config.access_log, config.log_config, config.server_header) == (True, False, None, False)


def test_the_first_signal_drains_and_the_second_forces() -> None:
    server = WebServer(WebConfig(FACTORY))
    server.handle_exit(signal.SIGTERM, None)
    assert (server.should_exit, server.force_exit) == (True, False)
    server.handle_exit(signal.SIGTERM, None)
    assert (server.should_exit, server.force_exit) == (True, True)
