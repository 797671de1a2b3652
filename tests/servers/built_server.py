"""A server that `make servers` built, or its container: at one port, ready when its first user can log in."""

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx

from servers.container import Container
from servers.login_client import LoginClient
from servers.process import LocalProcess, scratch_directory
from servers.server import Engine, Server, built_program, require_docker, started


class BuiltServer(Server):
    """Stopped and started again it keeps its port and data."""

    settle_seconds = 0.0
    """It answers before what it was told is on disk: killed at once it would forget."""

    def __init__(self, engine: Engine, port: int) -> None:
        super().__init__(engine)
        self.port = port

    def client(self) -> LoginClient:
        """A user of the server, apart from the code under test."""
        raise NotImplementedError

    def is_ready(self) -> bool:
        try:
            with self.client() as client:
                client.login()
        except httpx.HTTPError:
            return False
        return True

    def stop(self) -> None:
        time.sleep(self.settle_seconds)
        super().stop()


@dataclass(frozen=True)
class Program:
    """Where the server comes from. `data_variable` tells the program its data folder."""

    name: str
    image: str
    data_variable: str

    def engine(self, home: Path, env: Mapping[str, str]) -> Engine:
        program = built_program(self.name)
        if program is None:
            return Container(self.image, env=env)
        return LocalProcess([program], home=home, env={**env, self.data_variable: str(home / "data")})


S = TypeVar("S", bound=BuiltServer)


def open_built(program: Program, build: Callable[[Path], S]) -> contextlib.AbstractContextManager[S]:
    """A server of one's own; raises Missing where there is none."""
    if built_program(program.name) is None:
        require_docker(program.name, "make servers")
    return started(build, lambda: scratch_directory(program.name))
