"""The web application under uvicorn's own command: how a start that fails ends there."""

from support.processes import Deployment

STARTUP_FAILURE = 3


def test_invalid_settings_end_uvicorns_command_with_its_code_and_the_reason(deployment: Deployment) -> None:
    deployment.write_config("server:\n  port: many\n")
    command = "uvicorn app.web.server:create_app --factory --host 127.0.0.1 --port"
    process = deployment.start(f"{command} {deployment.web_port}", "web")

    assert process.wait() == STARTUP_FAILURE
    assert "config_acc.yaml:2:3: server.port" in process.output()
