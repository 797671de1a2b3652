"""Compressed logs: any page by one or two blocks, readable by any gunzip."""

import gzip
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from app.xxl_job.executor.packed_log import PACKED_BLOCK_BYTES, PackedLog, pack_block

LINES = [f"line {number:07d} of a log that is compressed\n" for number in range(40_000)]
TEXT = "".join(LINES).encode()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return packed(tmp_path, TEXT)


def packed(tmp_path: Path, text: bytes) -> Path:
    path = tmp_path / "7.log.gz"
    starts = range(0, len(text), PACKED_BLOCK_BYTES)
    path.write_bytes(b"".join(pack_block(text[start : start + PACKED_BLOCK_BYTES]) for start in starts))
    return path


def test_any_gunzip_reads_it(path: Path) -> None:
    assert gzip.decompress(path.read_bytes()) == TEXT


@pytest.mark.parametrize("from_line", [1, 2, 6000, 20_001, 39_990])
def test_a_page_begins_where_it_was_asked_to(path: Path, from_line: int) -> None:
    page = PackedLog(path).page(from_line, finished=False, limit_bytes=410)
    assert page.content == "".join(LINES[from_line - 1 : from_line + 9])
    assert page.to_line == from_line + 9


def test_a_page_over_several_blocks_is_whole(path: Path) -> None:
    assert PackedLog(path).page(1, finished=True, limit_bytes=len(TEXT)).content == TEXT.decode()


def test_a_page_unpacks_two_blocks_at_most(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, unpacked, decompress = PackedLog(path), [], zlib.decompress
    log.page(1, finished=True, limit_bytes=1000)

    def counted(data: bytes, wbits: int) -> bytes:
        unpacked.append(len(data))
        return decompress(data, wbits)

    monkeypatch.setattr(zlib, "decompress", counted)
    log.page(39_900, finished=True, limit_bytes=10_000)
    assert 1 <= len(unpacked) <= 2


def test_a_log_that_ends_in_half_a_line_shows_it(tmp_path: Path) -> None:
    page = PackedLog(packed(tmp_path, b"one\ntwo")).page(1, finished=True, limit_bytes=100)
    assert (page.content, page.to_line, page.is_end) == ("one\ntwo\n", 2, True)


def test_parts_of_any_length_make_one_log(tmp_path: Path) -> None:
    path = tmp_path / "7.log.gz"
    path.write_bytes(pack_block(b"one\ntw") + pack_block(b"") + pack_block(b"o\nthree\n"))
    assert PackedLog(path).page(2, finished=True, limit_bytes=100).content == "two\nthree\n"


def test_a_log_that_grew_is_read_anew(path: Path) -> None:
    log = PackedLog(path)
    log.page(1, finished=True, limit_bytes=100)
    path.write_bytes(path.read_bytes() + pack_block(b"more\n"))
    assert log.page(40_001, finished=True, limit_bytes=100).content == "more\n"


def test_the_first_page_says_where_the_rest_is(path: Path) -> None:
    page = PackedLog(path).page(1, finished=True, limit_bytes=100)
    assert page.content.endswith(
        f"... 39998 more lines: python -m app job log 7, or zcat {path.parent.name}/7.log.gz\n"
    )


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda data: gzip.compress(TEXT), "another program"),
        (lambda data: data[:-1], "damaged"),
        (lambda data: data[: len(data) // 2] + b"\0" * 50 + data[len(data) // 2 + 50 :], "damaged"),
        (lambda data: data + b"x", "damaged"),
    ],
)
def test_what_is_damaged_or_not_ours_is_said_and_not_shown(
    path: Path, damage: Callable[[bytes], bytes], reason: str
) -> None:
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(OSError, match=reason):
        PackedLog(path).page(1, finished=True, limit_bytes=len(TEXT))


def test_the_index_costs_little_memory(path: Path) -> None:
    log = PackedLog(path)
    log.page(1, finished=True, limit_bytes=100)
    assert len(log._members) == -(-len(TEXT) // PACKED_BLOCK_BYTES) + 1
    assert path.stat().st_size < len(TEXT) / 5
