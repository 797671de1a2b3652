"""rnacos, standing in for a Nacos server; its gRPC port is the HTTP port plus 1000."""

import contextlib
import time
from pathlib import Path

import httpx

from servers.container import Container
from servers.nacos_client import NacosClient
from servers.ports import HOST, free_port
from servers.process import LocalProcess, scratch_directory
from servers.server import Engine, Server, built_program, require_docker, started

IMAGE = "qingpan/rnacos:v0.8.8"
GRPC_OFFSET = 1000


class Nacos(Server):
    """An empty Nacos with authentication on."""

    username = "nacos"
    password = "nacos-password"

    def __init__(self, engine: Engine, port: int) -> None:
        super().__init__(engine)
        self.port = port

    @property
    def grpc_port(self) -> int:
        return self.port + GRPC_OFFSET

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def client(self) -> NacosClient:
        """A publisher of its own, apart from the code under test."""
        return NacosClient(self.address, self.username, self.password)

    def is_ready(self) -> bool:
        """Healthy and past the election that creates the first user."""
        try:
            with self.client() as client:
                client.login()
        except httpx.HTTPError:
            return False
        return True

    def stop(self) -> None:
        # rnacos answers a publish some milliseconds before it hands it to the system; one killed there is lost.
        time.sleep(0.2)
        super().stop()

    def has_failed(self) -> bool:
        # One first start in four loses a race inside rnacos: its storage thread dies and no user is ever created.
        return super().has_failed() or "panicked at" in self._engine.output()


def open_nacos() -> contextlib.AbstractContextManager[Nacos]:
    """A Nacos of one's own; raises Missing where there is none."""
    if built_program("rnacos") is None:
        require_docker("rnacos", "make servers")
    return started(_build, lambda: scratch_directory("rnacos"))


def _build(home: Path) -> Nacos:
    port = free_port(offsets=(0, GRPC_OFFSET))
    env = {
        "RNACOS_HTTP_PORT": str(port),
        "RNACOS_HTTP_CONSOLE_PORT": "0",
        "RNACOS_SDK_HOST": HOST,
        "RNACOS_ENABLE_OPEN_API_AUTH": "true",
        "RNACOS_INIT_ADMIN_USERNAME": Nacos.username,
        "RNACOS_INIT_ADMIN_PASSWORD": Nacos.password,
        "RNACOS_API_LOGIN_ONE_MINUTE_LIMIT": "100000",
    }
    program = built_program("rnacos")
    if program is None:
        return Nacos(Container(IMAGE, env=env), port)
    return Nacos(LocalProcess([program], home=home, env={**env, "RNACOS_DATA_DIR": str(home / "data")}), port)
