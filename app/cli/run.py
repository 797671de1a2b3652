"""`python -m app run`: the web process and the executor in the foreground, as `make run` starts them."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import IO, Final

import typer

from app.bootstrap import read_settings
from app.common.errors import StartupError
from app.config.environment import PROJECT_ROOT, Environment, load_environment
from app.config.snapshot import Settings
from app.config.tokens import ops_token

_COLOURS: Final = {"web": "\033[36m", "executor": "\033[35m"}
_RESET: Final = "\033[0m"
_STOP_SECONDS: Final = 40.0
_READY_SECONDS: Final = 60.0
_CONFIG_ERROR: Final = 78


@dataclass(frozen=True)
class Child:
    """One process and the thread that prefixes what it prints."""

    name: str
    process: subprocess.Popen[str]
    printer: threading.Thread


def run() -> None:
    """Starts web, and locally (or with JOIN=1) the executor; Ctrl-C stops both."""
    environment = load_environment()
    settings = _read(environment)
    joins = environment.is_local or os.environ.get("JOIN") == "1"
    ports = {"server.port": settings.server.port} | ({"xxl-job.port": settings.xxl_job.port} if joins else {})
    for key, port in ports.items():
        _require_free(key, port)
    stopped = _stop_on_signals()
    children = [_start("web", "app.web.server")]
    try:
        if _wait_until_open(settings.server.port, children, stopped):
            if joins:
                children.append(_start("executor", "app.xxl_job.scheduler_server"))
            print(_welcome(environment, settings, joins), flush=True)  # noqa: T201 - the command's output
        code = _wait_for_end(children, stopped)
    finally:
        _stop(children)
    raise typer.Exit(code)


def _read(environment: Environment) -> Settings:
    try:
        environment.create_directories()
        return read_settings(environment)
    except StartupError as error:
        typer.echo(f"error: {error.message}", err=True)
        raise typer.Exit(_CONFIG_ERROR) from error


def _require_free(key: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            variable = f"APP__{key.upper().replace('-', '_').replace('.', '__')}"
            typer.echo(f"error: port {port} is taken: stop what uses it, or set {variable}", err=True)
            raise typer.Exit(1) from error


def _start(name: str, module: str) -> Child:
    process = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", module],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        bufsize=1,
        start_new_session=True,  # Ctrl-C reaches this process only, which then stops the children in order
    )
    assert process.stdout is not None  # noqa: S101 - PIPE was asked for
    printer = threading.Thread(target=_print_prefixed, args=(name, process.stdout), name=f"print {name}", daemon=True)
    printer.start()
    return Child(name, process, printer)


def _print_prefixed(name: str, stream: IO[str]) -> None:
    coloured = sys.stdout.isatty()
    prefix = f"{_COLOURS[name]}{name:<8}{_RESET} | " if coloured else f"{name:<8} | "
    for line in stream:
        sys.stdout.write(prefix + line)
        sys.stdout.flush()


def _stop_on_signals() -> threading.Event:
    """Set by Ctrl-C, SIGTERM or a closed terminal, which from now on end this command by way of its children."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stopped.set())
    return stopped


def _wait_until_open(port: int, children: list[Child], stopped: threading.Event) -> bool:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and all(child.process.poll() is None for child in children):
        if stopped.wait(0.05):
            break
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
    return False


def _wait_for_end(children: list[Child], stopped: threading.Event) -> int:
    """The exit code of whichever child ends first; 0 when a signal ends this command."""
    while not stopped.wait(0.1):
        for child in children:
            if (code := child.process.poll()) is not None:
                return code
    return 0


def _stop(children: list[Child]) -> None:
    """Executor first, so that it can still tell the console that it leaves."""
    for child in reversed(children):
        if child.process.poll() is None:
            child.process.terminate()
            try:
                child.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
        child.printer.join(timeout=5)


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
        f"  curl {base}/demo/hello/world",
        f"  curl {header} {base}/nacos/getConfig",
        f"  curl -X POST {header} {base}/nacos/refresh",
        f"  edit {environment.config_file.name}: a change takes effect within two seconds",
    ]
    if joins and environment.is_local:
        lines += ["  .venv/bin/python -m app job list", "  .venv/bin/python -m app job run refresh_nacos_config_task"]
    return "\n".join([*lines, "", "Ctrl-C stops everything.", ""])
