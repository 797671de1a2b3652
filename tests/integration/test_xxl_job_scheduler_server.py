"""The executor's process: starts, says what it is, leaves in order, and fails with one line."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from app.testing.fake_console import FakeConsole
from servers.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
JOBS = """
import asyncio
import time
from app.xxl_job import job


@job("nap")
async def nap(ctx):
    await asyncio.sleep(float(ctx.param))
    return "rested"


@job("block")
async def block(ctx):
    time.sleep(float(ctx.param))


@job("leave_in_a_task")
async def leave_in_a_task():
    async def leave():
        raise SystemExit(3)

    await asyncio.create_task(leave())


@job("quick")
def quick():
    with open("quick.ran", "a") as file:
        file.write("x")
    return "done"


@job("again", resumable=True)
async def again(ctx):
    ctx.log.info("attempt {}", ctx.attempt)
    if ctx.attempt == 1:
        await asyncio.sleep(60)
    return f"attempt {ctx.attempt}"


@job("stubborn")
async def stubborn():
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass
"""


class Executor:
    """The process in a folder of its own; killed with the test if it still runs."""

    living: ClassVar[list["subprocess.Popen[str]"]] = []

    def __init__(self, home: Path, config: str, **variables: str) -> None:
        (home / "config_test.yaml").write_text(config)
        (home / "own_jobs.py").write_text(JOBS)
        paths = {name: str(home / name.lower()) for name in ("DATA_DIR", "LOG_PATH", "XXL_LOG_PATH")}
        keep = {name: value for name, value in os.environ.items() if not name.startswith(("APP_", "NACOS_", "XXL_"))}
        env = {**keep, **paths, "APP_ENV": "test", "CONFIG_DIR": str(home), "ACCESS_TOKEN": "stolen", **variables}
        env["PYTHONPATH"] = os.pathsep.join((str(ROOT), str(home)))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app.xxl_job.scheduler_server"],
            cwd=home, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.living.append(self.process)
        self.said = ""

    def wait_until_started(self) -> str:
        """The line that tells address, name and jobs."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if line.startswith("executor "):
                return line
        raise AssertionError(f"it ended: {self.end()}")

    def end(self, seconds: float = 30) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=seconds)
        return self.process.returncode, out, err


def config(console: FakeConsole, **fields: Any) -> str:
    chosen = {
        "url": console.url, "access_token": console.token, "app_name": "process-test", "host": "127.0.0.1",
        "port": 0, "task_packages": "[own_jobs]", **fields,
    }  # fmt: skip
    return "xxl-job:\n" + "".join(f"  {key}: {value}\n" for key, value in chosen.items())


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    yield
    while Executor.living:
        process = Executor.living.pop()
        process.kill()
        process.communicate(timeout=10)


@pytest.fixture
def console() -> Iterator[FakeConsole]:
    with FakeConsole() as opened:
        yield opened


def poll(condition: Any, seconds: float = 20) -> Any:
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
    return value


def run(console: FakeConsole, handler: str, log_id: int, param: str = "", job_id: int = 1) -> dict[str, Any]:
    address = poll(lambda: console.registrations)[0]["registryValue"]
    body = {"jobId": job_id, "executorHandler": handler, "executorParams": param, "logId": log_id, "logDateTime": 1}
    headers = {"XXL-JOB-ACCESS-TOKEN": console.token}
    answer: dict[str, Any] = httpx.post(f"{address}/run", json=body, headers=headers, trust_env=False).json()
    return answer


def test_it_says_what_it_is_and_leaves_with_0_after_its_runs(tmp_path: Path, console: FakeConsole) -> None:
    executor = Executor(tmp_path, config(console))
    line = executor.wait_until_started()
    assert run(console, "nap", 1, "0.5")["code"] == 200
    executor.process.send_signal(signal.SIGTERM)
    code, _, _ = executor.end()

    assert code == 0
    assert line.startswith("executor process-test at http://127.0.0.1:")
    assert all(name in line for name in ("block", "nap", "stubborn"))
    assert [item["handleMsg"] for item in console.callbacks] == ["rested"]
    assert len(console.removals) == 1
    assert not list(tmp_path.rglob("pyxxl.log"))


def test_a_job_that_blocks_the_loop_or_ignores_its_end_does_not_hold_the_process(
    tmp_path: Path, console: FakeConsole
) -> None:
    executor = Executor(tmp_path, config(console, drain_seconds=0.2))
    executor.wait_until_started()
    run(console, "stubborn", 1)
    poll(lambda: list(tmp_path.rglob("1.log")))
    executor.process.send_signal(signal.SIGINT)
    code, _, _ = executor.end(seconds=20)

    assert code == 0
    assert [item["handleMsg"] for item in console.callbacks] == ["executor shutdown"]


def test_a_signal_is_heard_while_a_job_blocks_the_main_loop(tmp_path: Path, console: FakeConsole) -> None:
    executor = Executor(tmp_path, config(console, drain_seconds=0.2))
    executor.wait_until_started()
    run(console, "block", 1, "4")
    poll(lambda: list(tmp_path.rglob("1.log")))
    started = time.monotonic()
    executor.process.send_signal(signal.SIGTERM)
    callback = poll(lambda: console.callback_of(1))

    assert callback["handleMsg"] == "executor shutdown"
    assert time.monotonic() - started < 3
    assert executor.end()[0] == 0


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"access_token": "default_token"}, "xxl-job.access_token is empty or well known"),
        ({"url": '""'}, "xxl-job.url is empty"),
        ({"task_packages": "[no_such_jobs]"}, "job module no_such_jobs can't be imported: ModuleNotFoundError"),
    ],
)
def test_settings_that_cannot_work_end_it_with_78_and_one_line(
    tmp_path: Path, console: FakeConsole, fields: dict[str, str], reason: str
) -> None:
    code, _, err = Executor(tmp_path, config(console, **fields)).end()

    assert code == 78
    assert reason in err
    assert "Traceback" not in err


def test_a_taken_port_ends_it_with_1_and_the_fix(tmp_path: Path, console: FakeConsole) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, _, err = Executor(tmp_path, config(console, port=port)).end()

    assert code == 1
    assert "xxl-job.port" in err
    assert str(port) in err
    assert "Traceback" not in err


def test_without_a_console_it_runs_and_keeps_asking(tmp_path: Path, console: FakeConsole) -> None:
    console.stop()
    executor = Executor(tmp_path, config(console))
    executor.wait_until_started()
    console.start()
    poll(lambda: console.registrations)
    executor.process.send_signal(signal.SIGTERM)
    assert executor.end()[0] == 0


def test_a_job_whose_own_task_wants_to_leave_the_process_ends_that_run_only(
    tmp_path: Path, console: FakeConsole
) -> None:
    executor = Executor(tmp_path, config(console))
    executor.wait_until_started()
    run(console, "leave_in_a_task", 1)
    assert poll(lambda: console.callback_of(1))["handleCode"] == 500
    run(console, "nap", 2, "0")
    assert poll(lambda: console.callback_of(2))["handleCode"] == 200
    executor.process.send_signal(signal.SIGTERM)
    assert executor.end(seconds=20)[0] == 0


def test_outcomes_survive_kill_9_and_what_was_under_way_is_reported_lost(tmp_path: Path, console: FakeConsole) -> None:
    first = Executor(tmp_path, config(console, port=free_port()))
    first.wait_until_started()
    assert run(console, "nap", 1, "60")["code"] == 200
    assert run(console, "nap", 2, "60")["code"] == 200
    assert run(console, "again", 3, job_id=2)["code"] == 200
    poll(lambda: list(tmp_path.rglob("3.log")))
    console.stop()
    address = console.registrations[0]["registryValue"]
    assert run(console, "quick", 4, job_id=3)["code"] == 200
    poll(lambda: [one for one in runs_of(address, console) if one["log_id"] == 4 and one["state"] == "done"])
    first.process.kill()
    first.process.wait(10)
    console.start()
    second = Executor(tmp_path, config(console, port=int(address.rsplit(":", 1)[1])))
    second.wait_until_started()
    told = {log_id: poll(lambda log_id=log_id: console.callback_of(log_id)) for log_id in (1, 2, 3, 4)}
    assert run(console, "quick", 4, job_id=3)["code"] == 200
    second.process.send_signal(signal.SIGTERM)
    second.end()

    assert [(told[one]["handleCode"], told[one]["handleMsg"].partition(":")[0]) for one in (1, 2)] == [
        (500, "executor restarted")
    ] * 2
    assert [(told[one]["handleCode"], told[one]["handleMsg"]) for one in (3, 4)] == [(200, "attempt 2"), (200, "done")]
    assert (tmp_path / "quick.ran").read_text() == "x"


def runs_of(address: str, console: FakeConsole) -> list[dict[str, Any]]:
    answer = httpx.get(f"{address}/runs", headers={"XXL-JOB-ACCESS-TOKEN": console.token}, trust_env=False).json()
    found: list[dict[str, Any]] = answer["data"]
    return found


def test_an_unwritable_data_folder_ends_it_with_78_unless_memory_will_do(tmp_path: Path, console: FakeConsole) -> None:
    (tmp_path / "data_dir").mkdir()
    (tmp_path / "data_dir" / "executor").write_text("not a folder")
    code, _, err = Executor(tmp_path, config(console)).end()
    forgetful = Executor(tmp_path, config(console, ledger="memory"))
    forgetful.wait_until_started()
    forgetful.process.send_signal(signal.SIGTERM)

    assert code == 78
    assert "xxl-job.ledger: memory" in err
    assert forgetful.end()[0] == 0
