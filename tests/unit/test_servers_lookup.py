"""Where a test server comes from: the cache, else Docker, else a skip that says how to get it."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from servers import fixtures
from servers.container import Container, docker_answers
from servers.ratchjob import open_console
from servers.rnacos import open_nacos
from servers.server import Missing, built_program

DOCKER = """#!/bin/sh
echo "$*" >> "$CALLS"
case "$1" in
  version) exit "$ENGINE" ;;
  inspect) echo true ;;
esac
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine whose only program is a docker client; what it was told is in the file."""
    (tmp_path / "bin").mkdir()
    docker = tmp_path / "bin" / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("ENGINE", "0")
    monkeypatch.setenv("TENON_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("sys.platform", "linux")
    docker_answers.cache_clear()
    yield tmp_path / "calls"
    docker_answers.cache_clear()


def test_a_built_server_is_taken_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "servers" / "bin" / "rnacos"
    program.parent.mkdir(parents=True)
    program.touch()
    monkeypatch.setenv("TENON_CACHE", str(tmp_path))

    assert built_program("rnacos") == str(program)
    assert built_program("ratchjob") is None


@pytest.mark.parametrize("open_server", [open_nacos, open_console])
def test_a_docker_client_without_an_engine_is_no_docker(
    open_server: Callable[[], object], calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGINE", "1")

    with pytest.raises(Missing, match="no Docker engine answers: make servers"):
        open_server()


def test_a_container_shares_the_hosts_network_and_keeps_its_files_until_closed(calls: Path) -> None:
    container = Container("image:1", env={"PORT": "1234"}, arguments=["--quiet"])
    container.start()
    container.pause()
    container.resume()
    assert container.is_running()
    container.kill()
    container.start()
    container.close()

    told = [line.replace(container._name, "NAME") for line in calls.read_text().splitlines()]

    assert told == [
        "run --detach --network host --name NAME --env PORT=1234 image:1 --quiet",
        "pause NAME",
        "unpause NAME",
        "inspect --format {{.State.Running}} NAME",
        "kill NAME",
        "start NAME",
        "rm --force --volumes NAME",
    ]


def missing_server() -> contextlib.AbstractContextManager[object]:
    raise Missing("rnacos is not here: make servers")


def test_a_missing_server_skips_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match="make servers"):
        next(fixtures.lend(missing_server))


def test_a_missing_server_fails_where_ci_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match="make servers"):
        next(fixtures.lend(missing_server))
