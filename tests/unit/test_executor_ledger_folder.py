"""One process owns an instance's folder; what dead ones left is taken over once, and only what is ours."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from app.common.errors import StartupError
from app.jobs.ledger.base import RunQuery
from app.jobs.ledger.memory import MemoryRunLedger
from app.jobs.ledger.sqlite import SqliteRunLedger
from app.jobs.record import RunOutcome, RunRecord, RunState
from app.xxl_job.executor.ledger_folder import adopt_dead, claimed_folder, ledger_files, runs_file
from support.jobs_support import build_record
from support.ledgers import NOON, accepted, done, updated


@contextmanager
def ledger_of(data_dir: Path, instance: str) -> Iterator[SqliteRunLedger]:
    """A living process's ledger."""
    with claimed_folder(data_dir, instance) as folder:
        ledger = SqliteRunLedger(runs_file(folder))
        try:
            yield ledger
        finally:
            ledger.close()


def left_behind(data_dir: Path, instance: str, *records: RunRecord) -> None:
    """What a process wrote before it died."""
    with ledger_of(data_dir, instance) as ledger:
        for record in records:
            accepted(ledger, build_record(record.log_id, console=record.console, accepted_at=record.accepted_at))
            if record.state is not RunState.ACCEPTED:
                updated(ledger, record)


def ours(record: RunRecord) -> bool:
    return record.console == "http://console/x"


def test_a_second_process_is_told_who_owns_the_folder(tmp_path: Path) -> None:
    with claimed_folder(tmp_path, "host-9999") as folder:
        assert folder == tmp_path / "executor" / "host-9999"
        expected = rf"host-9999 belongs to another process \(process {os.getpid()}, running\).*INSTANCE_ID"
        with pytest.raises(StartupError, match=expected), claimed_folder(tmp_path, "host-9999", patience_seconds=0.0):
            pytest.fail("it was claimed twice")
    with claimed_folder(tmp_path, "host-9999", patience_seconds=0.0) as folder:
        assert folder.is_dir()


def test_an_owner_that_left_no_note_is_not_known(tmp_path: Path) -> None:
    folder = tmp_path / "executor" / "a"
    folder.mkdir(parents=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with (
            pytest.raises(StartupError, match="its process is not known"),
            claimed_folder(tmp_path, "a", patience_seconds=0.0),
        ):
            pytest.fail("it was claimed twice")


@pytest.mark.parametrize(
    ("instance", "name"),
    [("a/b", "a_b"), ("../..", "_.."), ("日", "_"), ("...", "instance"), ("pod-1.x_y", "pod-1.x_y")],
)
def test_any_instance_has_its_folder_inside(tmp_path: Path, instance: str, name: str) -> None:
    with claimed_folder(tmp_path, instance) as folder:
        assert folder == tmp_path / "executor" / name


def test_a_folder_that_cant_be_made_ends_the_start_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "executor").write_text("a file")
    with (
        pytest.raises(StartupError, match=r"can't be written .*xxl-job\.ledger: memory"),
        claimed_folder(tmp_path, "a"),
    ):
        pytest.fail("it was claimed")


def test_outcomes_of_a_dead_instance_are_reported_by_us_and_its_unfinished_runs_are_lost(tmp_path: Path) -> None:
    left_behind(tmp_path, "dead", build_record(1), done(build_record(2)))
    with claimed_folder(tmp_path, "mine") as folder:
        ledger = MemoryRunLedger()
        assert adopt_dead(folder, ledger, ours) == 2
        lost, success = ledger.list_unreported(10)
        assert (lost.log_id, lost.outcome, success.outcome) == (1, RunOutcome.LOST, RunOutcome.SUCCESS)
        assert adopt_dead(folder, MemoryRunLedger(), ours) == 0


def test_a_returning_instance_still_knows_its_runs(tmp_path: Path) -> None:
    left_behind(tmp_path, "dead", done(build_record(2)))
    with claimed_folder(tmp_path, "mine") as folder:
        adopt_dead(folder, MemoryRunLedger(), ours)
    with ledger_of(tmp_path, "dead") as ledger:
        assert accepted(ledger, build_record(2)).known is not None
        assert ledger.list_unreported(10) == []


def test_a_living_instance_is_left_alone(tmp_path: Path) -> None:
    with ledger_of(tmp_path, "alive") as theirs, claimed_folder(tmp_path, "mine") as folder:
        accepted(theirs, build_record(1))
        assert adopt_dead(folder, MemoryRunLedger(), ours) == 0
        assert len(theirs.list_unfinished()) == 1


def test_outcomes_for_another_console_are_left_to_their_instance(tmp_path: Path) -> None:
    left_behind(tmp_path, "dead", done(build_record(2, console="http://another/x")))
    with claimed_folder(tmp_path, "mine") as folder:
        assert adopt_dead(folder, MemoryRunLedger(), ours) == 0
    with ledger_of(tmp_path, "dead") as ledger:
        assert [record.log_id for record in ledger.list_unreported(10)] == [2]


def test_a_folder_with_nothing_but_old_runs_is_removed(tmp_path: Path) -> None:
    left_behind(tmp_path, "old", done(build_record(1, accepted_at=NOON - timedelta(days=40))))
    left_behind(tmp_path, "newer", done(build_record(2, accepted_at=NOON)))
    with claimed_folder(tmp_path, "mine") as folder:
        ledger = MemoryRunLedger()
        adopt_dead(folder, ledger, ours, forget_before=NOON - timedelta(days=30))
        assert len(ledger.list_runs(RunQuery())) == 2
    assert ledger_files(tmp_path) == [tmp_path / "executor" / "newer" / "runs.db"]


def test_a_damaged_ledger_of_another_keeps_nobody_from_starting(tmp_path: Path) -> None:
    left_behind(tmp_path, "dead", done(build_record(2)))
    broken = tmp_path / "executor" / "broken"
    broken.mkdir()
    runs_file(broken).write_bytes(b"no ledger " * 500)
    with claimed_folder(tmp_path, "mine") as folder:
        assert adopt_dead(folder, MemoryRunLedger(), ours) == 1
    assert runs_file(broken).exists()
