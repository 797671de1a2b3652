"""Fullness with room to breathe, and a write-ahead log that is moved on in its own thread."""

import time
from pathlib import Path

from app.jobs.ledger.schema import connect, open_for_writing
from app.jobs.ledger.upkeep import Checkpointer, Fullness, RowCount


def test_full_at_the_bound_and_not_again_before_a_tenth_is_free() -> None:
    fullness = Fullness(1000)
    full, tight = [], []
    for used in (999, 1000, 950, 900, 899, 950):
        fullness.measured(used)
        full.append(fullness.is_full)
        tight.append(fullness.is_tight)
    assert full == [False, True, True, True, False, False]
    assert tight == [True, True, True, True, False, True]


def test_a_new_bound_is_held_against_what_is_used() -> None:
    fullness = Fullness(1000)
    fullness.measured(950)
    fullness.limit(900)
    assert fullness.is_full
    fullness.limit(2000)
    assert not fullness.is_full


def test_it_is_time_again_after_so_many_rows() -> None:
    count = RowCount(every=10)
    assert [count.reached(rows) for rows in (4, 5, 1, 9, 30)] == [False, False, True, False, True]


def test_a_nudge_moves_the_log_into_the_file(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    writer = open_for_writing(path)
    checkpointer = Checkpointer(connect(path))
    before = path.stat().st_size
    checkpointer.nudge()
    end = time.monotonic() + 10
    while path.stat().st_size == before and time.monotonic() < end:
        time.sleep(0.002)
    checkpointer.close()
    assert path.stat().st_size > before
    writer.close()
