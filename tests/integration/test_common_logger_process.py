"""Processes that log and end: by themselves, by a kill, without a reader."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SETUP = """
import sys, time
from pathlib import Path
from app.common.logger import *
options = LogOptions(instance="web-h-0", log_path=Path(sys.argv[1]), env="prod", console=sys.argv[2] == "console")
handle = configure_logging(options)
"""


def start(code: str, folder: Path, console: str = "silent") -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", SETUP + code, str(folder), console]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def lines_of(folder: Path) -> list[str]:
    return [line.split("] ")[-1] for path in folder.rglob("*.log") for line in path.read_text().splitlines()]


@pytest.mark.parametrize("ending", ["", "sys.exit(3)"])
def test_a_clean_exit_loses_no_line(tmp_path: Path, ending: str) -> None:
    with start(f"for n in range(1000): log.bind(n=n).info('line')\n{ending}", tmp_path) as process:
        assert process.wait(30) == (3 if ending else 0)
    assert lines_of(tmp_path) == [f"line n={number}" for number in range(1000)]


def test_a_kill_costs_at_most_the_last_tenth_of_a_second(tmp_path: Path) -> None:
    code = "log.info('line')\ntime.sleep(0.15)\nprint('now', flush=True)\ntime.sleep(60)"
    with start(code, tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "now\n"
        process.send_signal(signal.SIGKILL)
    assert lines_of(tmp_path) == ["line"]


def test_a_console_whose_reader_left_does_not_end_the_process(tmp_path: Path) -> None:
    code = "sys.stdin.readline()\nfor n in range(3): log.bind(n=n).info('line'); handle.flush()\n"
    with start(code, tmp_path, "console") as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.close()
        process.stdin.write("go\n")
        process.stdin.flush()
        assert process.wait(30) == 0
    assert lines_of(tmp_path) == ["line n=0", "the console is closed", "line n=1", "line n=2"]


def test_a_console_whose_reader_pauses_stops_neither_process_nor_file(tmp_path: Path) -> None:
    code = "for n in range(5000): log.bind(n=n).info('line')\nhandle.flush()\n"
    with start(code, tmp_path, "console") as process:
        assert process.wait(30) == 0
        assert len(lines_of(tmp_path)) == 5000


def test_importing_the_log_starts_no_thread_and_opens_no_file() -> None:
    code = (
        "import os, threading; import loguru; before = os.listdir('/dev/fd')\n"
        "import app.common.logger\nassert threading.active_count() == 1\n"
        "assert os.listdir('/dev/fd') == before"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, timeout=30).returncode == 0
