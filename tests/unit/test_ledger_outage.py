"""An outage is told once each way, in plain words; the pauses between tries grow up to a bound."""

import sqlite3
from pathlib import Path

import pytest
from loguru import logger

from app.jobs.ledger.outage import LONGEST_SECONDS, Outage, reason_of, unavailable


def failure(statement: str) -> sqlite3.Error:
    connection = sqlite3.connect(":memory:")
    connection.executescript("PRAGMA max_page_count = 1; CREATE TEMP TABLE t (x)")
    try:
        with pytest.raises(sqlite3.Error) as raised:
            connection.execute(statement)
        return raised.value
    finally:
        connection.close()


def read_only_failure(folder: Path) -> sqlite3.Error:
    sqlite3.connect(folder / "x.db").close()
    connection = sqlite3.connect(f"file:{folder / 'x.db'}?mode=ro", uri=True)
    try:
        with pytest.raises(sqlite3.Error) as raised:
            connection.execute("CREATE TABLE t (x)")
        return raised.value
    finally:
        connection.close()


def test_reasons_are_plain_words(tmp_path: Path) -> None:
    assert reason_of(failure("CREATE TABLE large AS SELECT randomblob(100000) AS x")) == "disk full"
    assert reason_of(read_only_failure(tmp_path)) == "read-only"
    assert reason_of(ValueError("boom")) == "ValueError: boom"
    assert unavailable("disk full").message == "the run ledger can't be written: disk full"


def test_an_outage_is_logged_once_and_its_end_once() -> None:
    lines: list[str] = []
    sink = logger.add(lambda message: lines.append(message.record["message"]), format="{message}")
    outage = Outage(first_seconds=1.0)
    try:
        for _ in range(3):
            outage.failed(ValueError("boom"), waiting=1)
        outage.ended()
        outage.ended()
    finally:
        logger.remove(sink)
    assert lines == ["run ledger can't be written", "run ledger is written again"]


def test_the_pause_before_the_next_try_grows_up_to_a_bound() -> None:
    outage = Outage(first_seconds=1.0)
    assert outage.seconds_left == 0
    pauses = []
    for _ in range(10):
        outage.failed(ValueError("boom"), waiting=1)
        pauses.append(round(outage.seconds_left, 1))
    assert pauses[:3] == [1.0, 1.5, 2.2]
    assert pauses[-1] == LONGEST_SECONDS
    outage.try_now()
    assert outage.seconds_left == 0
    outage.ended()
    assert outage.seconds_left == 0
