"""Several web workers behind one port (`server.workers: 3`), on a file and on a Nacos that is not watched."""

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from servers.ports import is_free
from servers.rnacos import Nacos
from servers.waiting import wait_for
from support.estate import DATA_ID, NAMESPACE
from support.proc import command_of, needs_proc
from support.processes import OPS_TOKEN, AppProcess, Deployment
from support.slow_request import open_slow_request

WORKERS = 3
ASK_SECONDS = 2.0
"""Well below the 5 s after which a worker that doesn't answer its parent is replaced."""

pytestmark = needs_proc


@dataclass
class Web:
    """A web process with its workers, and the way its settings are published."""

    deployment: Deployment
    process: AppProcess
    nacos: Nacos | None

    def publish(self, number: int) -> None:
        publish(self.deployment, self.nacos, number)

    def md5_by_instance(self) -> dict[str, str]:
        """What each worker answers. The others sleep meanwhile: the kernel may give one of them every request."""
        workers, answers = self.workers(), {}
        for asked in workers:
            others = [pid for pid in workers if pid != asked]
            with stopped(others), contextlib.suppress(httpx.TransportError):  # a worker may still be starting
                status = self.deployment.ask("GET", "/nacos/status", timeout=ASK_SECONDS).json()
                answers[status["instance"]] = status["md5"]
        return answers

    def wait_for_workers(self, md5: str | None = None) -> None:
        """Until three instances have answered, all with the same settings."""
        seen: dict[str, str] = {}

        def agree() -> bool:
            seen.update(self.md5_by_instance())
            return len(seen) == WORKERS and set(seen.values()) == {md5 or next(iter(seen.values()))}

        try:
            wait_for(agree, seconds=30, what="three workers with the same settings")
        except AssertionError as error:
            error.add_note(f"{seen}\n{self.process.output()}")
            raise

    def workers(self) -> list[int]:
        return sorted(pid for pid in self.deployment.living() if "spawn_main" in command_of(pid))


@contextlib.contextmanager
def stopped(pids: list[int]) -> Iterator[None]:
    """The processes sleep until the block ends."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def settings_text(deployment: Deployment, number: int) -> str:
    text = deployment.document(f"shop: {{limit: {number}}}\n")
    return text.replace("server:\n", f"server:\n  workers: {WORKERS}\n")


def publish(deployment: Deployment, nacos: Nacos | None, number: int) -> None:
    text = settings_text(deployment, number)
    if nacos is None:
        deployment.write_config(text)
    else:
        with nacos.client() as client:
            client.publish(DATA_ID, text, namespace=NAMESPACE)


@pytest.fixture(scope="module", params=["file", "nacos"])
def web(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """One start for the claims of a source; the last of them stops it."""
    nacos: Nacos | None = request.getfixturevalue("nacos_server") if request.param == "nacos" else None
    with Deployment(tmp_path_factory.mktemp("workers")) as deployment:
        if nacos is not None:
            deployment.variables["NACOS_PASSWORD"] = nacos.password
            deployment.write_config(
                f"nacos:\n  host: {nacos.address}\n  username: {nacos.username}\n  password: ${{NACOS_PASSWORD}}\n"
                f"  namespace: {NAMESPACE}\n  data_id: {DATA_ID}\n  watch: false\n"
            )
        publish(deployment, nacos, 1)
        yield Web(deployment, deployment.start_web(), nacos)


def test_a_refresh_of_one_worker_reaches_all(web: Web) -> None:
    web.wait_for_workers()
    web.publish(2)
    answer = web.deployment.ask("POST", "/nacos/refresh")
    assert answer.status_code == 200
    web.wait_for_workers(answer.json()["md5"])
    assert web.deployment.config()["shop"]["limit"] == 2


def test_a_killed_worker_is_replaced(web: Web) -> None:
    web.wait_for_workers()
    former = web.workers()
    os.kill(former[0], signal.SIGKILL)
    wait_for(lambda: len(set(web.workers()) - set(former)) == 1, seconds=20, what="a new worker")
    web.wait_for_workers()
    assert "worker died and is replaced" in web.process.output()


def test_sigterm_drains_every_worker_and_leaves_no_process(web: Web) -> None:
    web.wait_for_workers()
    path = "/api/v1/scheduler/jobs/any/trigger"
    with open_slow_request(web.deployment.web_port, path, OPS_TOKEN) as request:
        web.process.popen.send_signal(signal.SIGTERM)
        wait_for(lambda: len(web.workers()) == 1, what="the end of the workers that have nothing to do")
        assert request.finish().startswith("HTTP/1.1 ")
    assert web.process.wait() == 0
    wait_for(lambda: not web.deployment.living(), what="the end of every process")


def test_workers_whose_parent_was_killed_end_and_free_the_port(deployment: Deployment) -> None:
    deployment.write_config(settings_text(deployment, 1))
    deployment.start_web().popen.kill()
    wait_for(lambda: not deployment.living(), what="the workers' end")
    assert is_free(deployment.web_port)
