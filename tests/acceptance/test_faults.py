"""What goes wrong around the two processes: kills, a console that comes late, a blocked loop, folders and ports."""

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.testing.fake_console import FakeConsole
from servers.ports import HOST
from servers.rnacos import Nacos
from servers.waiting import wait_for
from support.estate import DATA_ID, NAMESPACE
from support.executor import TRIGGERED_AT, trigger
from support.processes import ACCESS_TOKEN, Deployment

CONSOLE_TIMEOUT_SECONDS = 3
"""How long XXL-JOB's console waits for an executor's answer."""


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Deployment]:
    with Deployment(tmp_path, "local") as deployment:
        deployment.write_config(
            f"server: {{port: {deployment.web_port}}}\n"
            f"xxl-job: {{port: {deployment.executor_port}, task_packages: [app.xxl_job.tasks, support.jobs]}}\n"
        )
        yield deployment


def contents_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_killed_processes_start_again_under_their_names_and_tokens(local: Deployment) -> None:
    executor, web = local.start("app.xxl_job.scheduler_server", "executor"), local.start_web()
    local.wait_for_executor(executor)
    tokens = contents_of(local.home / "data" / "tokens")
    web.kill()
    executor.kill()

    executor, web = local.start("app.xxl_job.scheduler_server", "executor"), local.start_web()
    local.wait_for_executor(executor)
    run = local.start("app job run tell_setting", "run")

    assert run.wait() == 0, run.output()
    assert contents_of(local.home / "data" / "tokens").items() >= tokens.items() > set()
    assert len(local.lines_with("settings loaded", "web")) == 2
    assert {path.name.split("-")[-1] for path in local.home.glob("log/*/*.log")} == {"0.log"}


def test_a_killed_process_starts_on_its_last_good_text(
    deployment: Deployment, nacos_factory: Callable[[], Nacos]
) -> None:
    nacos = nacos_factory()
    deployment.variables["NACOS_PASSWORD"] = nacos.password
    deployment.write_config(
        f"nacos:\n  host: {nacos.address}\n  username: {nacos.username}\n  password: ${{NACOS_PASSWORD}}\n"
        f"  namespace: {NAMESPACE}\n  data_id: {DATA_ID}\n"
    )
    with nacos.client() as client:
        client.publish(DATA_ID, deployment.document("shop: {limit: 1}\n"), namespace=NAMESPACE)
    deployment.start_web().kill()
    nacos.stop()

    deployment.start_web()

    assert deployment.ask("GET", "/nacos/status").json()["from_last_good"] is True
    assert deployment.config()["shop"]["limit"] == 1


def test_an_executor_registers_soon_after_its_late_console(deployment: Deployment) -> None:
    with FakeConsole(ACCESS_TOKEN) as console:
        deployment.write_config(deployment.document(url=console.url))
        console.stop()
        deployment.start_executor()
        assert deployment.call_executor("/beat")["code"] == 200
        wait_for(lambda: deployment.lines_with("executor not registered"), what="a refused registration")

        console.start()

        wait_for(lambda: console.registrations, seconds=12, what="the registration")
        assert len(deployment.lines_with("executor not registered")) == 1


def test_a_job_that_blocks_its_loop_silences_neither_beat_nor_log(deployment: Deployment) -> None:
    with FakeConsole(ACCESS_TOKEN) as console:
        deployment.write_config(deployment.document(url=console.url))
        deployment.start_executor()
        body = trigger("block_loop", executorParams="4")
        query = {"logId": body["logId"], "logDateTim": TRIGGERED_AT, "fromLineNum": 1}
        deployment.call_executor("/run", body)

        slowest, pages = 0.0, []
        while console.callback_of(body["logId"]) is None:
            started = time.monotonic()
            assert deployment.call_executor("/beat")["code"] == 200
            pages.append(deployment.call_executor("/log", query)["content"]["logContent"])
            slowest = max(slowest, time.monotonic() - started)
            assert len(pages) < 10_000

        assert slowest < CONSOLE_TIMEOUT_SECONDS
        assert sum("blocking" in page and "blocked" not in page for page in pages) > 3


def test_both_processes_serve_with_a_file_in_place_of_their_log_folder(deployment: Deployment) -> None:
    with FakeConsole(ACCESS_TOKEN) as console:
        deployment.write_config(deployment.document(url=console.url))
        (deployment.home / "occupied").touch()
        deployment.variables["LOG_PATH"] = str(deployment.home / "occupied")

        executor, web = deployment.start("app.xxl_job.scheduler_server", "executor"), deployment.start_web()
        deployment.wait_for_executor(executor)

        for process in (executor, web):
            wait_for(lambda process=process: "settings loaded" in process.output(), what="lines on the console")
            assert process.output().count("the log file can't be written") == 1
        assert deployment.ask("GET", "/health/ready").status_code == 200
        assert deployment.call_executor("/beat")["code"] == 200


def test_a_taken_port_ends_the_executors_start_with_one_line_that_says_how_to_go_on(deployment: Deployment) -> None:
    deployment.write_config(deployment.document(url="http://127.0.0.1:9/xxl-job-admin"))
    with socket.create_server((HOST, deployment.executor_port)):
        process = deployment.start("app.xxl_job.scheduler_server", "executor")
        assert process.wait() == 1
    (line,) = [line for line in process.output().splitlines() if not line.startswith("[")]
    assert str(deployment.executor_port) in line
    assert "APP__XXL_JOB__PORT" in line
