"""The web application under uvicorn's own command, with its flags and exit codes."""

import signal

from support.processes import Deployment

COMMAND = "uvicorn app.web.server:create_app --factory --host 127.0.0.1 --port"
STARTUP_FAILURE = 3


def test_uvicorns_command_serves_on_its_own_port_and_ends_as_uvicorn_does(deployment: Deployment) -> None:
    deployment.write_config(
        deployment.document("shop: {limit: 1}\n").replace(f"port: {deployment.web_port}", "port: 1")
    )
    process = deployment.start(f"{COMMAND} {deployment.web_port}", "web")
    deployment.wait_for_answer(process, "/health/ready")

    assert deployment.config()["shop"]["limit"] == 1
    assert process.terminate() == -signal.SIGTERM  # uvicorn lets the signal end it, once it has drained
    assert "Application shutdown complete" in process.output()


def test_invalid_settings_end_uvicorns_command_with_its_code_and_the_reason(deployment: Deployment) -> None:
    deployment.write_config("server:\n  port: many\n")
    process = deployment.start(f"{COMMAND} {deployment.web_port}", "web")

    assert process.wait() == STARTUP_FAILURE
    assert "config_acc.yaml:2:3: server.port" in process.output()
