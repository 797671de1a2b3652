"""`python -m app run`, which is what `make run` does."""

import signal
import socket
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from servers.ports import HOST
from servers.waiting import wait_for
from support.proc import command_of, listening_addresses, needs_proc
from support.processes import AppProcess, Deployment

LAST_LINE = "Ctrl-C stops everything."


@dataclass
class Run:
    deployment: Deployment
    process: AppProcess

    def wait_until_started(self) -> None:
        self.deployment.wait_for(self.process, lambda: LAST_LINE in self.process.output(), "the welcome")

    @property
    def tokens(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in (self.deployment.home / "data" / "tokens").iterdir()}

    def modules(self) -> set[str]:
        """What runs besides the command itself."""
        commands = (command_of(pid) for pid in self.deployment.living() - {self.process.popen.pid})
        return {command.rpartition(" ")[2] for command in commands}


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """The first start on a machine, and a job run from the command line; the last test of them stops it."""
    with Deployment(tmp_path_factory.mktemp("local"), "local") as deployment:
        deployment.write_config(
            f"server: {{port: {deployment.web_port}}}\nxxl-job: {{port: {deployment.executor_port}}}\n"
        )
        run = Run(deployment, deployment.start("app run", "run"))
        run.wait_until_started()
        job = deployment.start("app job run refresh_nacos_config_task", "job")
        assert job.wait() == 0, job.output()
        yield run


def prod(home: Path) -> Deployment:
    deployment = Deployment(home, "prod")
    deployment.write_config(deployment.document(url="http://127.0.0.1:9/xxl-job-admin"))
    return deployment


def test_tokens_of_the_first_start_are_read_by_their_user_only(local: Run) -> None:
    folder = local.deployment.home / "data" / "tokens"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == {"ops_token": 0o600, "access_token": 0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_tokens_stand_in_no_log_and_on_the_console_in_curl_lines_only(local: Run) -> None:
    token = local.tokens["ops_token"]
    shown = [
        line for line in local.process.output().splitlines() if any(text in line for text in local.tokens.values())
    ]
    assert shown
    assert all(line.startswith("  curl ") and f'-H "Authorization: Bearer {token}"' in line for line in shown)
    home = local.deployment.home
    texts = {path: path.read_text() for folder in ("log", "xxl_log") for path in (home / folder).rglob("*.log")}
    assert len(texts) >= 3  # web, executor, the run
    assert [path for path, text in texts.items() if any(token in text for token in local.tokens.values())] == []


def test_the_shown_curl_lines_are_answered(local: Run) -> None:
    answer = local.deployment.ask("GET", "/nacos/getConfig", token=local.tokens["ops_token"])
    assert answer.status_code == 200


@needs_proc
def test_the_local_processes_listen_on_loopback_only(local: Run) -> None:
    addresses = set().union(*(listening_addresses(pid) for pid in local.deployment.living()))
    assert addresses == {f"{HOST}:{local.deployment.web_port}", f"{HOST}:{local.deployment.executor_port}"}


@needs_proc
def test_ctrl_c_stops_both_processes(local: Run) -> None:
    assert local.modules() == {"app.web.server", "app.xxl_job.scheduler_server"}
    assert local.process.terminate(number=signal.SIGINT) == 0
    wait_for(lambda: not local.deployment.living(), what="the end of every process")
    assert "Traceback" not in local.process.output()


@needs_proc
@pytest.mark.parametrize(
    ("join", "modules"),
    [("0", {"app.web.server"}), ("1", {"app.web.server", "app.xxl_job.scheduler_server"})],
)
def test_outside_of_local_the_executor_starts_only_when_told_to_join(
    tmp_path: Path, join: str, modules: set[str]
) -> None:
    with prod(tmp_path) as deployment:
        deployment.variables["JOIN"] = join
        run = Run(deployment, deployment.start("app run", "run"))
        run.wait_until_started()
        assert run.modules() == modules
        assert run.process.terminate() == 0
        wait_for(lambda: not deployment.living(), what="the end of every process")


@needs_proc
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_the_start_leaves_no_process(tmp_path: Path, number: signal.Signals) -> None:
    with prod(tmp_path) as deployment:
        run = Run(deployment, deployment.start("app run", "run"))
        deployment.wait_for(run.process, lambda: bool(run.modules()), "the start of web")
        assert run.process.terminate(number=number) == 0
        wait_for(lambda: not deployment.living(), what="the end of every process")
        assert "Traceback" not in run.process.output()


@pytest.mark.parametrize("key", ["APP__SERVER__PORT", "APP__XXL_JOB__PORT"])
def test_a_taken_port_ends_the_command_before_anything_starts(tmp_path: Path, key: str) -> None:
    with prod(tmp_path) as deployment:
        port = deployment.web_port if "SERVER" in key else deployment.executor_port
        deployment.variables["JOIN"] = "1"
        with socket.create_server((HOST, port)):
            process = deployment.start("app run", "run")
            assert process.wait() == 1
        assert process.output().splitlines()[-1:] == [f"error: port {port} is taken: stop what uses it, or set {key}"]
