"""`python -m app run`: the web process and the executor in the foreground, as `make run` starts them."""

import os
import signal
import socket
import threading
import time
from typing import Final

import typer

from app.bootstrap import FEATURES, read_settings
from app.cli.children import Child, start
from app.cli.edits import Edits
from app.common.const import EXIT_CONFIG
from app.common.errors import StartupError
from app.config.environment import PROJECT_ROOT, Environment, load_environment
from app.config.snapshot import Settings
from app.config.tokens import ops_token

_READY_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.1
_EDIT_SECONDS: Final = 1.0


def run() -> None:
    """Starts web, and locally (or with JOIN=1) the executor; Ctrl-C stops both. RELOAD=1 restarts both on edits."""
    environment = load_environment()
    settings = _read(environment)
    joins = environment.is_local or os.environ.get("JOIN") == "1"
    ports = {"server.port": settings.server.port} | ({"xxl-job.port": settings.xxl_job.port} if joins else {})
    for key, port in ports.items():
        _require_free(key, port)
    stopped = _stop_on_signals()
    children = [start("web", "app.web.server")]
    try:
        if _wait_until_open(settings.server.port, children, stopped):
            if joins:
                children.append(start("executor", "app.xxl_job.scheduler_server"))
            print(_welcome(environment, settings, joins), flush=True)  # noqa: T201 - the command's output
        code = _wait_for_end(
            children, stopped, Edits(PROJECT_ROOT / "app") if os.environ.get("RELOAD") == "1" else None
        )
    finally:
        for child in reversed(children):  # the executor first: it still has to tell the console that it leaves
            child.stop()
    raise typer.Exit(code)


def _read(environment: Environment) -> Settings:
    try:
        environment.create_directories()
        return read_settings(environment)
    except StartupError as error:
        typer.echo(f"error: {error.message}", err=True)
        raise typer.Exit(EXIT_CONFIG) from error


def _require_free(key: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            variable = f"APP__{key.upper().replace('-', '_').replace('.', '__')}"
            typer.echo(f"error: port {port} is taken: stop what uses it, or set {variable}", err=True)
            raise typer.Exit(1) from error


def _stop_on_signals() -> threading.Event:
    """Set by Ctrl-C, SIGTERM or a closed terminal, which from now on end this command by way of its children."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stopped.set())
    return stopped


def _wait_until_open(port: int, children: list[Child], stopped: threading.Event) -> bool:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and all(child.exit_code is None for child in children):
        if stopped.wait(0.05):
            break
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
    return False


def _wait_for_end(children: list[Child], stopped: threading.Event, edits: Edits | None) -> int:
    """The exit code of whichever child ends first; 0 when a signal ends this command.

    The web process restarts itself on edits; the executor is restarted here. One that an edit broke waits for the next.
    """
    looked = time.monotonic()
    while not stopped.wait(_LOOK_SECONDS):
        ended = [child.exit_code for child in children if child.exit_code is not None]
        if edits is None and ended:
            return ended[0]
        if edits is not None and time.monotonic() - looked > _EDIT_SECONDS:
            looked = time.monotonic()
            if edits.happened():
                children[1:] = [child.restarted() for child in children[1:]]
    return 0


def _welcome(environment: Environment, settings: Settings, joins: bool) -> str:
    base = f"http://127.0.0.1:{settings.server.port}"
    token = ops_token(environment, settings) if environment.is_local else "<server.ops_token>"
    header = f'-H "Authorization: Bearer {token}"'
    lines = [
        "",
        f"web       {base}   (API: {base}/docs)",
        f"executor  http://127.0.0.1:{settings.xxl_job.port}" if joins else "executor  not started; JOIN=1 starts it",
        "",
        "Try:",
        *(f"  curl {base}{feature.example}" for feature in FEATURES if feature.example),
        f"  curl {header} {base}/nacos/getConfig",
        f"  curl -X POST {header} {base}/nacos/refresh",
        f"  edit {environment.config_file.name}: a change takes effect within two seconds",
    ]
    if joins and environment.is_local:
        lines += ["  .venv/bin/python -m app job list", "  .venv/bin/python -m app job run refresh_nacos_config_task"]
    return "\n".join([*lines, "", "Ctrl-C stops everything.", ""])
