"""A log from beginning to end."""

import gzip
from pathlib import Path

import pytest

from app.xxl_job.executor.log_upkeep import pack
from app.xxl_job.executor.whole_log import read_whole


@pytest.mark.parametrize("asked", ["7.log", "7.log.gz"])
def test_what_was_compressed_comes_first(tmp_path: Path, asked: str) -> None:
    path = tmp_path / "7.log"
    path.write_text("first\n")
    list(pack(path))
    path.write_text("second\n")
    assert b"".join(read_whole(tmp_path / asked)) == b"first\nsecond\n"


def test_pieces_are_of_bounded_size(tmp_path: Path) -> None:
    (tmp_path / "7.log").write_bytes(b"x" * 3_000_000)
    assert [len(piece) for piece in read_whole(tmp_path / "7.log")] == [1 << 20, 1 << 20, 3_000_000 - (2 << 20)]


def test_a_log_that_another_program_compressed_is_read(tmp_path: Path) -> None:
    (tmp_path / "7.2.log.gz").write_bytes(gzip.compress(b"line\n"))
    assert b"".join(read_whole(tmp_path / "7.2.log.gz")) == b"line\n"
