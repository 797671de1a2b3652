"""The two processes as a user starts them, in folders of their own."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from servers.ports import HOST, free_port
from servers.process import run_as
from servers.waiting import wait_for
from support.proc import started_with

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 40.0
OPS_TOKEN = "operations-token-of-the-tests"
ACCESS_TOKEN = "console-access-token"


class AppProcess:
    """One process of the project, its output in a file."""

    def __init__(self, module: str, env: Mapping[str, str], output: Path) -> None:
        self._output = output
        with output.open("ab") as file:
            self.popen = subprocess.Popen(
                [*run_as(""), sys.executable, "-m", *module.split()],
                cwd=ROOT,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def output(self) -> str:
        return self._output.read_text(errors="replace")

    def terminate(self, seconds: float = 30, *, number: signal.Signals = signal.SIGTERM) -> int:
        """SIGTERM, or another signal, and the exit code."""
        self.popen.send_signal(number)
        return self.wait(seconds)

    def wait(self, seconds: float = 30) -> int:
        return self.popen.wait(seconds)

    def kill(self) -> None:
        if self.popen.poll() is None:
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()


class Deployment:
    """One environment: its folders, its ports, and whatever of it was started. Everything ends with the block."""

    def __init__(self, home: Path, environment: str = "acc") -> None:
        self.home = home
        self.environment = environment
        self.web_port, self.executor_port = free_port(), free_port()
        self.app_name = f"acceptance-{self.executor_port}"  # of its own: a console remembers executors for a while
        self.variables: dict[str, str] = {}
        self._processes: list[AppProcess] = []
        for name in ("config", "data", "log", "xxl_log"):
            (home / name).mkdir(exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.kill()
        for pid in self.living():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    @property
    def web_url(self) -> str:
        return f"http://{HOST}:{self.web_port}"

    @property
    def config_file(self) -> Path:
        return self.home / "config" / f"config_{self.environment}.yaml"

    def write_config(self, text: str) -> None:
        draft = self.config_file.with_suffix(".draft")
        draft.write_text(text)
        draft.replace(self.config_file)

    def document(self, extra: str = "", **xxl_job: Any) -> str:
        """A settings document with this deployment's ports and tokens, and `extra` after it."""
        console = "".join(f"  {key}: {value}\n" for key, value in xxl_job.items())
        return (
            f"server:\n  host: {HOST}\n  port: {self.web_port}\n  ops_token: {OPS_TOKEN}\n"
            f"xxl-job:\n  host: {HOST}\n  port: {self.executor_port}\n  access_token: {ACCESS_TOKEN}\n"
            f"  app_name: {self.app_name}\n  task_packages: [app.xxl_job.tasks, support.jobs]\n{console}{extra}"
        )

    def living(self) -> set[int]:
        """Every process of this deployment that still runs, whoever started it."""
        return started_with(f"DATA_DIR={self.home / 'data'}")

    def start(self, module: str, name: str) -> AppProcess:
        env = {key: value for key, value in os.environ.items() if not key.startswith(("APP_", "NACOS_"))}
        env |= {
            "APP_ENV": self.environment,
            "CONFIG_DIR": str(self.home / "config"),
            "DATA_DIR": str(self.home / "data"),
            "LOG_PATH": str(self.home / "log"),
            "XXL_LOG_PATH": str(self.home / "xxl_log"),
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests"))),
            **self.variables,
        }
        process = AppProcess(module, env, self.home / f"{name}.out")
        self._processes.append(process)
        return process

    def start_web(self, *, module: str = "app.web.server", ready: str = "/health/live") -> AppProcess:
        process = self.start(module, "web")
        self.wait_for_answer(process, ready)
        return process

    def wait_for_executor(self, process: AppProcess) -> None:
        self.wait_for(process, self._executor_answers, "the executor's first answer")

    def start_executor(self) -> AppProcess:
        process = self.start("app.xxl_job.scheduler_server", "executor")
        self.wait_for_executor(process)
        return process

    def wait_for_answer(self, process: AppProcess, path: str, status: int = 200) -> None:
        self.wait_for(process, lambda: self.status_of(path) == status, f"{status} of {path}")

    def status_of(self, path: str) -> int | None:
        try:
            return httpx.get(self.web_url + path, timeout=5, trust_env=False).status_code
        except httpx.TransportError:
            return None

    def _executor_answers(self) -> bool:
        try:
            return bool(self.call_executor("/beat"))
        except httpx.TransportError:
            return False

    def call_executor(self, path: str, body: object = None) -> dict[str, Any]:
        """What the console would be answered."""
        url, headers = f"http://{HOST}:{self.executor_port}{path}", {"XXL-JOB-ACCESS-TOKEN": ACCESS_TOKEN}
        answer = httpx.post(url, json=body, headers=headers, timeout=10, trust_env=False)
        answer.raise_for_status()
        return dict(answer.json())

    def wait_for(self, process: AppProcess, condition: Callable[[], bool], what: str) -> None:
        """Polls until the condition holds; fails at once when the process ends before."""

        def answered_or_ended() -> bool:
            return process.popen.poll() is not None or condition()

        wait_for(answered_or_ended, seconds=START_SECONDS, what=f"{what}\n{process.output()}")
        if process.popen.poll() is not None:
            raise AssertionError(f"ended with {process.popen.returncode}\n{process.output()}")

    def ask(self, method: str, path: str, *, token: str | None = OPS_TOKEN, **options: Any) -> httpx.Response:
        headers = dict(options.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return httpx.request(
            method, self.web_url + path, headers=headers, timeout=options.pop("timeout", 30), trust_env=False, **options
        )

    def config(self) -> dict[str, Any]:
        """The effective document of the web process."""
        return dict(self.ask("GET", "/nacos/getConfig").json())

    def log_lines(self, role: str = "") -> list[str]:
        """Every line of the log files, of one role or of all."""
        files = sorted(self.home.glob(f"log/*/{role}*.log"))
        return [line for file in files for line in file.read_text(errors="replace").splitlines()]

    def lines_with(self, text: str, role: str = "") -> list[str]:
        return [line for line in self.log_lines(role) if text in line]
