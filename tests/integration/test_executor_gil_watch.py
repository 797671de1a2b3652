"""A real call that holds the GIL, a real process that is suspended."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from app.common.logger import log
from app.jobs.executions import Executions
from app.xxl_job.executor.gil_watch import watching_the_gil
from support.executor import open_executor, registry_of
from support.executor import until as until_async
from support.jobs_support import build_run

HELD = "a call held the interpreter"


@pytest.fixture
def lines() -> Iterator[list[Any]]:
    taken: list[Any] = []
    handler = log.add(lambda message: taken.append(cast("Any", message).record), level="INFO")
    yield taken
    log.remove(handler)


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def hold_it() -> None:
    ctypes.PyDLL(None).usleep(900_000)  # unlike CDLL it keeps the GIL


def compute() -> None:
    end = time.monotonic() + 0.9
    while time.monotonic() < end:
        sum(range(100))


def test_a_c_call_that_holds_the_interpreter_is_named(lines: list[Any]) -> None:
    executions = Executions()

    def job() -> None:
        executions.began(run)
        hold_it()
        executions.ended(run)

    run = build_run(job)
    with watching_the_gil(executions.list_since, held_seconds=0.4):
        thread = threading.Thread(target=job)
        thread.start()
        thread.join()
        until(lambda: lines)

    assert HELD in lines[0]["message"]
    assert lines[0]["extra"]["log_id"] == 1
    assert " hold_it < " in lines[0]["extra"]["stack"]
    assert lines[0]["extra"]["held_seconds"] >= 0.4


def test_python_code_that_computes_holds_nothing(lines: list[Any]) -> None:
    with watching_the_gil(lambda _: [], held_seconds=0.4):
        thread = threading.Thread(target=compute)
        thread.start()
        thread.join()
    assert lines == []


SUSPENDED = """
import sys, time
sys.path[:0] = {path!r}
from app.xxl_job.executor.gil_watch import watching_the_gil
with watching_the_gil(lambda _: [], held_seconds=0.4):
    print("ready", flush=True)
    sys.stdin.readline()
    time.sleep(0.3)
"""


def test_a_process_that_was_suspended_is_not_reported() -> None:
    program = SUSPENDED.format(path=sys.path)
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        os.kill(child.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, child.pid, os.WSTOPPED)
        time.sleep(1.0)
        os.kill(child.pid, signal.SIGCONT)
        _, errors = child.communicate("go\n", timeout=20)

    assert child.returncode == 0
    assert HELD not in errors


async def test_the_executor_names_the_job_that_held_it(tmp_path: Path, lines: list[Any]) -> None:
    async def holds() -> None:
        ctypes.PyDLL(None).usleep(3_500_000)

    async with open_executor(tmp_path, registry_of(holds)) as desk:
        log_id = await desk.run("holds")
        await desk.callback_of(log_id)
        await until_async(lambda: [line for line in lines if HELD in line["message"]])

    [held] = [line["extra"] for line in lines if HELD in line["message"]]
    assert (held["job"], held["log_id"], held["trace"]) == ("holds", log_id, f"xxl-test-executor-{log_id}")
