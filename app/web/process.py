"""How the web process starts, serves and ends: settings first, then the port, then uvicorn in the same loop."""

import asyncio
import gc
import math
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

import uvicorn
import uvloop
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import ChangeReload, Multiprocess

from app.bootstrap import open_runtime
from app.common.const import EXIT_CONFIG, ProcessRole
from app.common.errors import StartupError
from app.common.logger import log
from app.config.environment import Environment, load_environment
from app.config.live import settings
from app.config.settings import ServerSettings
from app.runtime import Runtime

FACTORY: Final = "app.web.server:create_app"
BACKLOG: Final = 2048
EXIT_PORT: Final = 1
EXIT_INTERRUPTED: Final = 130
_APP_FOLDER: Final = Path(__file__).resolve().parents[1]
_JOIN_SECONDS: Final = 0.1

BuildApp = Callable[[Runtime], Any]


class PortUnusable(Exception):
    """The address can't be listened on; says which, why, and what to do."""


@dataclass(frozen=True)
class Plan:
    """What is to be served once the settings are known. The socket is bound already."""

    listener: socket.socket
    workers: int
    reload: bool


class WebConfig(uvicorn.Config):
    """uvicorn's configuration as this project runs it; the drain time is that of the moment."""

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(
            app,
            factory=app == FACTORY,
            http="httptools",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            backlog=BACKLOG,
            **options,
        )

    @property
    def timeout_graceful_shutdown(self) -> int | None:
        return math.ceil(settings().server.drain_seconds)

    @timeout_graceful_shutdown.setter
    def timeout_graceful_shutdown(self, value: int | None) -> None:
        """uvicorn's own parameter, which nobody passes."""


class WebServer(uvicorn.Server):
    """Ends with exit code 0 after a signal, where uvicorn would let the signal kill the process."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """What the start has built lives as long as the process: the collector needn't walk it again and again."""
        await super().startup(sockets)
        gc.collect()
        gc.freeze()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal drains, the second ends at once."""
        self.force_exit = self.should_exit
        self.should_exit = True


class Workers(Multiprocess):
    """Spawned worker processes, replaced when they die."""

    def keep_subprocess_alive(self) -> None:
        before = {process.pid for process in self.processes}
        super().keep_subprocess_alive()
        for died in before - {process.pid for process in self.processes}:
            log.bind(pid=died).error("worker died and is replaced")

    def join_all(self) -> None:
        """Waits until every worker has drained; a second signal kills those that are left."""
        while living := [process for process in self.processes if process.process.is_alive()]:
            living[0].process.join(_JOIN_SECONDS)
            if self.signal_queue:
                for process in living:
                    process.process.kill()

    @property
    def exit_code(self) -> int:
        failed = any(process.exitcode == STARTUP_FAILURE for process in self.processes)
        return STARTUP_FAILURE if failed else 0


def run_process(build_app: BuildApp) -> int:
    """Serves until a signal comes. Returns the exit code; what stops the start is told in one line."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            plan = runner.run(_serve(build_app))
        return 0 if plan is None else _supervise(plan)
    except StartupError as error:
        return _refuse(error.message, EXIT_CONFIG)
    except PortUnusable as error:
        return _refuse(str(error), EXIT_PORT)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _refuse(reason: str, code: int) -> int:
    sys.stderr.write(f"web: {reason}\n")
    return code


async def _serve(build_app: BuildApp) -> Plan | None:
    """Serves in this loop, or says what to serve with other processes, this one's runtime being closed again."""
    environment = load_environment()
    async with open_runtime(ProcessRole.WEB, environment=environment) as runtime:
        server = runtime.settings.state.snapshot.settings.server
        plan = Plan(bind(environment, server), server.workers, environment.variables.get("RELOAD") == "1")
        host, port = plan.listener.getsockname()[:2]
        log.bind(url=f"http://{host}:{port}", workers=plan.workers).info("web listens")
        if plan.reload or plan.workers > 1:
            return plan
        await WebServer(WebConfig(build_app(runtime))).serve(sockets=[plan.listener])
    return None


def bind(environment: Environment, server: ServerSettings) -> socket.socket:
    """The listening socket. Raises PortUnusable."""
    host = server.host or ("127.0.0.1" if environment.is_local else "0.0.0.0")  # noqa: S104 - a server's purpose
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, server.port), family=family, backlog=BACKLOG)
    except OSError as error:
        number = error.errno or 0  # negative: of the name resolution
        reason = (os.strerror(number) if number > 0 else str(error)).lower()
        raise PortUnusable(
            f"can't listen on {host} port {server.port}: {reason}; stop what listens there, "
            "or choose another port: server.port in the settings, or APP__SERVER__PORT=8001"
        ) from error


def _supervise(plan: Plan) -> int:
    """Other processes serve: each opens a runtime of its own. They are spawned, never forked."""
    with plan.listener as listener:
        if plan.reload:
            config = WebConfig(FACTORY, reload=True, reload_dirs=[str(_APP_FOLDER)])
            ChangeReload(config, target=WebServer(config).run, sockets=[listener]).run()
            return 0
        workers = Workers(WebConfig(FACTORY, workers=plan.workers), sockets=[listener])
        workers.run()
        return workers.exit_code
