"""What every test server can do, and where its program is looked for."""

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, TypeVar

from servers.container import docker_answers
from servers.ports import HOST

START_TIMEOUT_SECONDS = 60.0
START_ATTEMPTS = 10


class Missing(RuntimeError):
    """A server cannot run on this machine; the text says how to get it."""


class StartFailed(RuntimeError):
    """A server ended, or answered nothing, before it was ready."""


class Engine(Protocol):
    """What runs a server: a child process or a container."""

    def start(self) -> None: ...
    def is_running(self) -> bool: ...
    def kill(self) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def output(self) -> str: ...
    def close(self) -> None: ...


class Server:
    """A running server; stopped and started again it keeps its ports and data."""

    host = HOST

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def is_ready(self) -> bool:
        """Whether the server answers its own protocol."""
        raise NotImplementedError

    def has_failed(self) -> bool:
        """Whether waiting longer is no use."""
        return not self._engine.is_running()

    def start(self) -> None:
        self._engine.start()
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not self.is_ready():
            if self.has_failed() or time.monotonic() > deadline:
                last_words = "\n".join(self._engine.output().splitlines()[-30:])
                raise StartFailed(f"{type(self).__name__} did not start\n{last_words}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Kills it (-9), as a crash would."""
        self._engine.kill()

    def restart(self) -> None:
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freezes it: connections stay open and nothing answers."""
        self._engine.pause()

    def resume(self) -> None:
        self._engine.resume()

    def close(self) -> None:
        self._engine.close()


S = TypeVar("S", bound=Server)


@contextlib.contextmanager
def started(build: Callable[[Path], S], home: Callable[[], contextlib.AbstractContextManager[Path]]) -> Iterator[S]:
    """Starts what `build` makes, on new ports when a start fails, and removes every trace of it afterwards."""
    for attempt in range(1, START_ATTEMPTS + 1):
        with home() as directory:
            server = build(directory)
            try:
                server.start()
            except StartFailed:
                server.close()
                if attempt == START_ATTEMPTS:
                    raise
                continue
            try:
                yield server
            finally:
                server.close()
            return


def built_program(name: str) -> str | None:
    """A program that `make servers` built."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tenon"
    path = Path(os.environ.get("TENON_CACHE") or cache) / "servers" / "bin" / name
    return str(path) if path.is_file() else None


def installed_program(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))


def require_docker(name: str, how: str) -> None:
    """Raises Missing unless a container can stand in for the program that is not here."""
    if not docker_answers():
        raise Missing(f"{name} is not here and no Docker engine answers: {how}")
