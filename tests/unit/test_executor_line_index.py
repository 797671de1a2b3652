"""Lines are counted as they come, and found again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.xxl_job.executor.line_index import BLOCK_BYTES, LineIndex


@pytest.mark.parametrize("chunks", [[b"a\nb\nc\n"], [b"a", b"\nb\n", b"c\n"], [b"a\n", b"", b"b\nc", b"\n"]])
def test_lines_are_counted_however_they_arrive(chunks: list[bytes]) -> None:
    index = LineIndex()
    for chunk in chunks:
        index.extend(chunk)

    assert (index.lines, index.size_bytes, index.ends_whole) == (3, 6, True)


def test_a_last_line_without_its_end_is_not_counted() -> None:
    index = LineIndex()
    index.extend(b"a\nb")
    assert (index.lines, index.size_bytes, index.ends_whole) == (1, 3, False)


def test_marks_are_a_block_apart_however_the_bytes_arrive() -> None:
    whole, pieces = LineIndex(), LineIndex()
    text = b"0123456\n" * (3 * BLOCK_BYTES // 8)
    whole.extend(text)
    for start in range(0, len(text), 1000):
        pieces.extend(text[start : start + 1000])

    assert list(whole.offsets) == [0, BLOCK_BYTES, 2 * BLOCK_BYTES, 3 * BLOCK_BYTES]
    assert (pieces.offsets, pieces.counts) == (whole.offsets, whole.counts)


@pytest.mark.parametrize("line", [1, 2, 32_768, 32_769, 65_537, 99_999, 100_000, 100_001])
def test_finding_a_line_reads_one_block(line: int) -> None:
    index, text, asked = LineIndex(), b"x\n" * 100_000, []
    index.extend(text)

    def read(offset: int, length: int) -> bytes:
        asked.append(length)
        return text[offset : offset + length]

    assert index.start_of(line, read) == 2 * (line - 1)
    assert sum(asked) <= BLOCK_BYTES


@given(st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b"\r"))), st.integers(1, 200))
@settings(max_examples=60, deadline=None)
def test_every_line_is_found_where_it_begins(lines: list[bytes], step: int) -> None:
    index, text = LineIndex(), b"".join(line + b"\n" for line in lines)
    for start in range(0, len(text), step):
        index.extend(text[start : start + step])

    begins = [0]
    for line in lines:
        begins.append(begins[-1] + len(line) + 1)
    found = [
        index.start_of(line, lambda offset, length: text[offset : offset + length])
        for line in range(1, len(begins) + 1)
    ]
    assert found == begins
    assert index.lines == len(lines)
