"""The folder's lock lives and dies with its process; what it left is adopted by another one, or by itself."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.common.errors import StartupError
from app.jobs.ledger.memory import MemoryRunLedger
from app.jobs.ledger.recovery import recover
from app.jobs.ledger.sqlite import SqliteRunLedger
from app.jobs.record import RunOutcome
from app.xxl_job.executor.ledger_folder import adopt_dead, claimed_folder, runs_file

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "support.folder_process", str(tmp_path), "pod-1"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=CHECKOUT,
        env={"PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'tests'}"},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()


def test_a_living_owner_is_named_and_a_dead_one_no_longer_holds_the_folder(
    tmp_path: Path, owner: subprocess.Popen[str]
) -> None:
    with (
        pytest.raises(StartupError, match=rf"process {owner.pid}, running"),
        claimed_folder(tmp_path, "pod-1", patience_seconds=0.2),
    ):
        pytest.fail("it was claimed twice")
    kill(owner)
    with claimed_folder(tmp_path, "pod-1", patience_seconds=0.0) as folder:
        ledger = SqliteRunLedger(runs_file(folder))
        recover(ledger, lambda _: False)
        outcomes = [record.outcome for record in ledger.list_unreported(10)]
        ledger.close()
    assert outcomes == [RunOutcome.SUCCESS, RunOutcome.LOST]


def test_another_instance_adopts_what_a_killed_one_left_and_nothing_of_a_living_one(
    tmp_path: Path, owner: subprocess.Popen[str]
) -> None:
    with claimed_folder(tmp_path, "pod-2") as folder:
        ledger = MemoryRunLedger()
        assert adopt_dead(folder, ledger, lambda _: True) == 0
        kill(owner)
        assert adopt_dead(folder, ledger, lambda _: True) == 2
        assert [record.outcome for record in ledger.list_unreported(10)] == [RunOutcome.SUCCESS, RunOutcome.LOST]
