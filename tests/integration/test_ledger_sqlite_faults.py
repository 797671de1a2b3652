"""The ledger's file through the death of its process and a full disk: what was acknowledged is there."""

import json
import random
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.jobs.ledger.base import RunQuery
from app.jobs.ledger.recovery import recover
from app.jobs.ledger.sqlite import SqliteRunLedger
from app.jobs.record import RunOutcome, RunState
from support.jobs_support import build_record
from support.ledgers import NOON, accepted, done, settle

CHECKOUT = Path(__file__).resolve().parents[2]
EVERYTHING = RunQuery(limit=1_000_000)


def start(module: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=CHECKOUT,
        env={"PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'tests'}"},
    )


def killed_at_random(path: Path, first_log_id: int, chance: random.Random, *options: str) -> dict[str, set[int]]:
    """Runs the process for a moment and kills it; returns the log ids that it had acknowledged."""
    process = start("support.ledger_process", str(path), str(first_log_id), *options)
    assert process.stdout is not None
    said = [process.stdout.readline()]
    killer = threading.Timer(chance.uniform(0.0, 0.4), process.kill)
    killer.start()
    said += process.stdout.readlines()
    process.wait()
    process.stdout.close()
    killer.join()
    acknowledged: dict[str, set[int]] = {"accepted": set(), "done": set()}
    for what, _, log_id in (line.partition(" ") for line in said if line.endswith("\n")):
        acknowledged[what].add(int(log_id))
    return acknowledged


def check_acknowledged(path: Path, acknowledged: dict[str, set[int]]) -> None:
    ledger = SqliteRunLedger(path)
    try:
        kept = {record.log_id: record for record in ledger.list_runs(EVERYTHING)}
        assert acknowledged["accepted"] <= set(kept)
        assert {log_id for log_id in acknowledged["done"] if kept[log_id].outcome is not RunOutcome.SUCCESS} == set()
        assert all(kept[log_id].message == f"rows of {log_id}" for log_id in acknowledged["done"])
        assert recover(ledger, lambda _: False) == []
        assert ledger.list_unfinished() == []
    finally:
        ledger.close()


def kill_rounds(path: Path, rounds: int, *options: str) -> int:
    """Every round goes on with the file of the one before."""
    chance = random.Random(20261122)
    total: dict[str, set[int]] = {"accepted": set(), "done": set()}
    for number in range(rounds):
        acknowledged = killed_at_random(path, 1 + number * 1_000_000, chance, *options)
        assert acknowledged["accepted"]
        for what, log_ids in acknowledged.items():
            total[what] |= log_ids
        check_acknowledged(path, total)
    return len(total["done"])


@pytest.mark.parametrize("options", [(), ("fsync",)])
def test_what_was_acknowledged_before_a_kill_is_there_afterwards(tmp_path: Path, options: tuple[str, ...]) -> None:
    assert kill_rounds(tmp_path / "runs.db", 3, *options) > 0


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_what_was_acknowledged_before_fifty_kills_is_there_afterwards(tmp_path: Path) -> None:
    assert kill_rounds(tmp_path / "runs.db", 50) > 0


def test_on_a_full_disk_runs_are_refused_and_outcomes_stored_once_there_is_room(tmp_path: Path) -> None:
    (tmp_path / "ledger").mkdir()
    process = start("support.full_disk_process", str(tmp_path / "ledger" / "runs.db"))
    output, _ = process.communicate(timeout=60)
    seen: dict[str, Any] = json.loads(output)
    assert seen.pop("refused") in {
        "the run ledger can't be written: disk full",
        "the run ledger can't be written: disk I/O error",
    }
    assert seen.pop("stored_while_full") < 50
    assert seen == {"seen_while_full": 50, "order_kept": True, "accepted_again": True, "unreported": 50}


@pytest.mark.parametrize("runs", [10_000, pytest.param(100_000, marks=pytest.mark.soak)])
def test_runs_in_flight_are_recovered_in_seconds_however_many(tmp_path: Path, runs: int) -> None:
    ledger = SqliteRunLedger(tmp_path / "runs.db")
    for log_id in range(1, runs + 1):
        ledger.accept(build_record(log_id), lambda _: None)
    settle(ledger, seconds=60)
    started = time.monotonic()
    assert recover(ledger, lambda _: False) == []
    settle(ledger, seconds=60)
    assert time.monotonic() - started < 60
    assert len(ledger.list_unreported(runs + 1)) == runs
    ledger.close()


def test_acceptance_goes_on_while_the_log_is_moved_and_old_runs_expire(tmp_path: Path) -> None:
    """Nobody waits for housekeeping: not for the two seconds after which the console would be refused."""
    ledger = SqliteRunLedger(tmp_path / "runs.db")
    slowest = 0.0
    for log_id in range(1, 5001):
        ledger.accept(build_record(log_id, accepted_at=NOON), lambda _: None)
        ledger.update(done(build_record(log_id)))
    ledger.mark_reported([f"run-{log_id}" for log_id in range(1, 5001)])
    settle(ledger, seconds=60)
    expiring = threading.Thread(target=ledger.expire, args=(NOON + timedelta(days=1),))
    expiring.start()
    try:
        for log_id in range(5001, 5101):
            before = time.monotonic()
            assert accepted(ledger, build_record(log_id)).error is None
            slowest = max(slowest, time.monotonic() - before)
    finally:
        expiring.join()
    assert slowest < 2
    assert {record.state for record in ledger.list_runs(EVERYTHING)} == {RunState.ACCEPTED}
    ledger.close()
