"""rnacos, standing in for a Nacos server; its gRPC port is the HTTP port plus 1000."""

import contextlib
from pathlib import Path

from servers.built_server import BuiltServer, Program, open_built
from servers.nacos_client import NacosClient
from servers.ports import HOST, free_port

RNACOS = Program("rnacos", "qingpan/rnacos:v0.8.8", "RNACOS_DATA_DIR")
GRPC_OFFSET = 1000


class Nacos(BuiltServer):
    """An empty Nacos with authentication on; ready when it is past the election that creates the first user."""

    username = "nacos"
    password = "nacos-password"
    # rnacos answers a publish some milliseconds before it hands it to the system; one killed there is lost.
    settle_seconds = 0.2

    @property
    def grpc_port(self) -> int:
        return self.port + GRPC_OFFSET

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def client(self) -> NacosClient:
        """A publisher of its own, apart from the code under test."""
        return NacosClient(self.address, self.username, self.password)

    def has_failed(self) -> bool:
        # One first start in four loses a race inside rnacos: its storage thread dies and no user is ever created.
        return super().has_failed() or "panicked at" in self._engine.output()


def open_nacos() -> contextlib.AbstractContextManager[Nacos]:
    """A Nacos of one's own; raises Missing where there is none."""
    return open_built(RNACOS, _build)


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
    return Nacos(RNACOS.engine(home, env), port)
