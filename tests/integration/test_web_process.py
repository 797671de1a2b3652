"""The web process as a process: how it starts, how it says that it can't, and how it ends."""

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers.ports import HOST
from servers.waiting import wait_for
from support.processes import OPS_TOKEN, AppProcess, Deployment
from support.slow_request import open_slow_request

SLOW_PATH = "/api/v1/scheduler/jobs/any/trigger"
SLOW_ROUTE = "/api/v1/scheduler/jobs/{name}/trigger"
"""Reads a body, then answers 404: the console is not part of this environment."""
UVICORN_WAS_TERMINATED = -signal.SIGTERM


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    with Deployment(tmp_path) as opened:
        opened.write_config(opened.document())
        yield opened


def stop_listening(deployment: Deployment, process: AppProcess) -> None:
    """SIGTERM, and the wait until nobody new is let in."""
    process.popen.send_signal(signal.SIGTERM)

    def is_refused() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((HOST, deployment.web_port)) != 0

    wait_for(is_refused, what="the port to close")


def test_sigterm_lets_a_request_in_flight_finish_and_ends_with_0(deployment: Deployment) -> None:
    process = deployment.start_web()
    with open_slow_request(deployment.web_port, SLOW_PATH, OPS_TOKEN) as request:
        stop_listening(deployment, process)
        assert request.finish().startswith("HTTP/1.1 404 ")
    assert process.wait() == 0
    assert len(deployment.lines_with(f"route={SLOW_ROUTE} status=404")) == 1


def test_a_second_signal_does_not_wait_for_what_is_in_flight(deployment: Deployment) -> None:
    deployment.write_config(deployment.document().replace("server:\n", "server:\n  drain_seconds: 600\n"))
    process = deployment.start_web()
    with open_slow_request(deployment.web_port, SLOW_PATH, OPS_TOKEN):
        stop_listening(deployment, process)
        assert process.terminate(15) == 0


def test_a_request_that_outlasts_the_drain_time_is_told_so_under_its_trace(deployment: Deployment) -> None:
    deployment.write_config(deployment.document().replace("server:\n", "server:\n  drain_seconds: 0.5\n"))
    process = deployment.start_web()
    with socket.create_connection((HOST, deployment.web_port), timeout=20) as connection:
        connection.sendall(
            f"POST {SLOW_PATH} HTTP/1.1\r\nHost: {HOST}\r\nX-Trace-Id: cut-off\r\nExpect: 100-continue\r\n"
            "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n".encode()
        )
        assert connection.recv(4096).startswith(b"HTTP/1.1 100")
        process.popen.send_signal(signal.SIGTERM)
        with connection.makefile("rb") as stream:
            answer = stream.read().decode()
    assert process.wait() == 0
    assert answer.startswith("HTTP/1.1 503 ")
    assert "x-trace-id: cut-off" in answer
    assert '"code":"UNAVAILABLE"' in answer
    assert len(deployment.lines_with("[cut-off]")) >= 1


def test_a_client_that_leaves_in_the_middle_leaves_its_access_line(deployment: Deployment) -> None:
    deployment.start_web()
    with open_slow_request(deployment.web_port, SLOW_PATH, OPS_TOKEN):
        pass
    wait_for(lambda: deployment.lines_with(f"route={SLOW_ROUTE} status=499"), what="the access line")


def test_a_taken_port_is_one_line_with_the_fix_and_nothing_is_left_running(deployment: Deployment) -> None:
    with socket.create_server((HOST, deployment.web_port)):
        process = deployment.start("app.web.server", "web")
        assert process.wait() == 1
    refusals = [line for line in process.output().splitlines() if line.startswith("web: ")]
    assert len(refusals) == 1
    assert f"port {deployment.web_port}: address already in use" in refusals[0]
    assert "APP__SERVER__PORT" in refusals[0]
    assert "Traceback" not in process.output()
    assert deployment.living() == set()


def test_settings_that_can_not_be_used_are_one_line_and_exit_code_78(deployment: Deployment) -> None:
    deployment.write_config("server: {port: many}\n")
    process = deployment.start("app.web.server", "web")
    assert process.wait() == 78
    assert "server.port" in process.output()
    assert "Traceback" not in process.output()


def test_uvicorn_serves_the_factory_with_its_own_flags_and_exit_codes(deployment: Deployment) -> None:
    flags = f"--factory --host {HOST} --port {deployment.web_port} --no-access-log"
    process = deployment.start_web(module=f"uvicorn app.web.server:create_app {flags}")
    assert deployment.ask("GET", "/health/ready").json()["status"] in {"UP", "DOWN"}
    assert deployment.config()["server"]["port"] == deployment.web_port
    assert process.terminate() == UVICORN_WAS_TERMINATED
    assert len(deployment.lines_with("web is ready")) == 1
