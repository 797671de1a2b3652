"""ratchjob, standing in for an XXL-JOB console of releases 2.3 to 3.4. It listens on all interfaces: no option."""

import contextlib
import time
from pathlib import Path

import httpx

from servers.console_client import ConsoleClient
from servers.container import Container
from servers.ports import free_port
from servers.process import LocalProcess, scratch_directory
from servers.server import Engine, Server, built_program, require_docker, started

IMAGE = "qingpan/ratchjob:v0.3.1"
CONSOLE_OFFSET, GRPC_OFFSET = 100, 200


class Console(Server):
    """An XXL-JOB console without jobs."""

    username = "admin"
    password = "admin-password"
    access_token = "console-access-token"

    def __init__(self, engine: Engine, port: int) -> None:
        super().__init__(engine)
        self.port = port

    @property
    def url(self) -> str:
        """What the `xxl-job.url` setting takes."""
        return f"http://{self.host}:{self.port}/xxl-job-admin"

    @property
    def console_port(self) -> int:
        return self.port + CONSOLE_OFFSET

    def client(self) -> ConsoleClient:
        """A user of the console, apart from the code under test."""
        return ConsoleClient(
            api=f"http://{self.host}:{self.port}",
            console=f"http://{self.host}:{self.console_port}",
            username=self.username,
            password=self.password,
        )

    def is_ready(self) -> bool:
        try:
            with self.client() as client:
                client.login()
        except httpx.HTTPError:
            return False
        return True

    def stop(self) -> None:
        # ratchjob answers a trigger before the run is on disk; one killed there forgets it.
        time.sleep(1)
        super().stop()


def open_console() -> contextlib.AbstractContextManager[Console]:
    """A console of one's own; raises Missing where there is none."""
    if built_program("ratchjob") is None:
        require_docker("ratchjob", "make servers")
    return started(_build, lambda: scratch_directory("ratchjob"))


def _build(home: Path) -> Console:
    port = free_port(offsets=(0, CONSOLE_OFFSET, GRPC_OFFSET))
    env = {
        "RATCH_HTTP_API_PORT": str(port),
        "RATCH_XXL_DEFAULT_ACCESS_TOKEN": Console.access_token,
        "RATCH_CONSOLE_ENABLE_CAPTCHA": "false",
        "RATCH_INIT_ADMIN_USERNAME": Console.username,
        "RATCH_INIT_ADMIN_PASSWORD": Console.password,
    }
    program = built_program("ratchjob")
    if program is None:
        return Console(Container(IMAGE, env=env), port)
    return Console(LocalProcess([program], home=home, env={**env, "RATCH_DATA_DIR": str(home / "data")}), port)
