"""ratchjob, standing in for an XXL-JOB console of releases 2.3 to 3.4. It listens on all interfaces: no option."""

import contextlib
from pathlib import Path

from servers.built_server import BuiltServer, Program, open_built
from servers.console_client import ConsoleClient
from servers.ports import free_port

RATCHJOB = Program("ratchjob", "qingpan/ratchjob:v0.3.1", "RATCH_DATA_DIR")
CONSOLE_OFFSET, GRPC_OFFSET = 100, 200


class Console(BuiltServer):
    """An XXL-JOB console without jobs."""

    username = "admin"
    password = "admin-password"
    access_token = "console-access-token"
    # ratchjob answers a trigger before the run is on disk; one killed there forgets it.
    settle_seconds = 1.0

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


def open_console() -> contextlib.AbstractContextManager[Console]:
    """A console of one's own; raises Missing where there is none."""
    return open_built(RATCHJOB, _build)


def _build(home: Path) -> Console:
    port = free_port(offsets=(0, CONSOLE_OFFSET, GRPC_OFFSET))
    env = {
        "RATCH_HTTP_API_PORT": str(port),
        "RATCH_XXL_DEFAULT_ACCESS_TOKEN": Console.access_token,
        "RATCH_CONSOLE_ENABLE_CAPTCHA": "false",
        "RATCH_INIT_ADMIN_USERNAME": Console.username,
        "RATCH_INIT_ADMIN_PASSWORD": Console.password,
    }
    return Console(RATCHJOB.engine(home, env), port)
