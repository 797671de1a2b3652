"""Several web workers behind one port (`server.workers: 3`), on a file and on a Nacos that is not watched."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from servers.ports import is_free
from servers.rnacos import Nacos
from servers.waiting import wait_for
from support.estate import DATA_ID, NAMESPACE
from support.proc import command_of, needs_proc
from support.processes import OPS_TOKEN, AppProcess, Deployment
from support.slow_request import open_slow_request

WORKERS = 3
ASKED_AT_ONCE = 12
"""So many connections that every worker accepts one of them."""

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
        """What several requests at once were answered, each by whichever worker took it."""

        def ask(_: int) -> tuple[str, str]:
            status = self.deployment.ask("GET", "/nacos/status").json()
            return status["instance"], status["md5"]

        with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
            return dict(pool.map(ask, range(ASKED_AT_ONCE)))

    def wait_for_workers(self, md5: str | None = None) -> None:
        """Until three instances have answered, all with the same settings."""
        seen: dict[str, str] = {}

        def agree() -> bool:
            seen.update(self.md5_by_instance())
            return len(seen) == WORKERS and set(seen.values()) == {md5 or next(iter(seen.values()))}

        wait_for(agree, seconds=20, what="three workers with the same settings")

    def workers(self) -> list[int]:
        return sorted(pid for pid in self.deployment.living() if "spawn_main" in command_of(pid))


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
