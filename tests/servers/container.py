"""A server as a container, for machines that have Docker but not the server. Linux only: it shares the host's network,
because consoles call back to 127.0.0.1 and Nacos' second port is the first plus 1000."""

import functools
import subprocess
import sys
import uuid
from collections.abc import Mapping, Sequence


class Container:
    """Runs `image` with `arguments`; started again it keeps its ports and files."""

    def __init__(self, image: str, *, env: Mapping[str, str], arguments: Sequence[str] = ()) -> None:
        self._name = f"tenon-test-{uuid.uuid4().hex[:12]}"
        settings = [part for key, value in env.items() for part in ("--env", f"{key}={value}")]
        self._run = ["run", "--detach", "--network", "host", "--name", self._name, *settings, image, *arguments]
        self._created = False

    def start(self) -> None:
        docker(*(["start", self._name] if self._created else self._run))
        self._created = True

    def is_running(self) -> bool:
        return docker("inspect", "--format", "{{.State.Running}}", self._name, check=False).strip() == "true"

    def kill(self) -> None:
        docker("kill", self._name, check=False)

    def pause(self) -> None:
        docker("pause", self._name)

    def resume(self) -> None:
        docker("unpause", self._name)

    def output(self) -> str:
        return docker("logs", self._name, check=False)

    def close(self) -> None:
        docker("rm", "--force", "--volumes", self._name, check=False)


def docker(*arguments: str, check: bool = True) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise RuntimeError(f"docker {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


@functools.cache
def docker_answers() -> bool:
    """Whether an engine answers: a docker client alone runs nothing."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        asked = subprocess.run(
            ["docker", "version", "--format", "{{.Server.Version}}"], capture_output=True, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0
