"""Opening the ledger's file: made, brought to this version, or refused with what to do."""

import sqlite3
from pathlib import Path

import pytest

from app.common.errors import StartupError
from app.jobs.ledger import schema
from app.jobs.ledger.schema import MIGRATIONS, open_for_writing


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


def columns(path: Path) -> set[str]:
    connection = sqlite3.connect(path)
    try:
        return {row[1] for row in connection.execute("PRAGMA table_info(runs)")}
    finally:
        connection.close()


@pytest.mark.parametrize(("fsync", "synchronous"), [(False, 1), (True, 2)])
def test_readers_see_the_file_while_it_is_written_and_each_commit_reaches_the_disk_if_asked(
    path: Path, fsync: bool, synchronous: int
) -> None:
    connection = open_for_writing(path, fsync=fsync)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (synchronous,)
    assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    connection.close()


def test_an_older_file_is_brought_to_this_version_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_for_writing(path).close()
    monkeypatch.setattr(schema, "MIGRATIONS", (*MIGRATIONS, "ALTER TABLE runs ADD COLUMN note TEXT;"))
    open_for_writing(path).close()
    open_for_writing(path).close()
    assert "note" in columns(path)


def test_a_migration_that_fails_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_for_writing(path).close()
    broken = "ALTER TABLE runs ADD COLUMN note TEXT; ALTER TABLE nothing ADD COLUMN note TEXT;"
    monkeypatch.setattr(schema, "MIGRATIONS", (*MIGRATIONS, broken))
    with pytest.raises(StartupError):
        open_for_writing(path)
    assert "note" not in columns(path)


@pytest.mark.parametrize("content", [b"This is not a ledger. " * 400, b"\0" * 8192])
def test_a_damaged_file_ends_the_start_with_what_to_do(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StartupError, match=r"runs\.db is damaged .*: move it away and start again"):
        open_for_writing(path)
    assert path.read_bytes() == content


def test_a_file_that_was_cut_off_ends_the_start_with_what_to_do(path: Path) -> None:
    open_for_writing(path).close()
    path.write_bytes(path.read_bytes()[:8192])
    with pytest.raises(StartupError, match=r"runs\.db is damaged"):
        open_for_writing(path)


def test_a_file_of_a_newer_version_is_left_alone(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StartupError, match="written by a newer version"):
        open_for_writing(path)


def test_a_file_that_cant_be_made_ends_the_start_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=r"can't be opened .* xxl-job\.ledger: memory"):
        open_for_writing(tmp_path / "absent" / "runs.db")
