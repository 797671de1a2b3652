"""Lines are counted as they come, and found again."""

import pytest

from app.xxl_job.executor.line_index import LineIndex


@pytest.mark.parametrize("chunks", [[b"a\nb\nc\n"], [b"a", b"\nb\n", b"c\n"], [b"a\n", b"", b"b\nc", b"\n"]])
def test_lines_are_counted_however_they_arrive(chunks: list[bytes]) -> None:
    index = LineIndex()
    for chunk in chunks:
        index.extend(chunk)

    assert (index.lines, index.size_bytes) == (3, 6)


@pytest.mark.parametrize(("line", "place"), [(1, (0, 0)), (256, (0, 255)), (257, (512, 0)), (1000, (1536, 231))])
def test_a_line_is_found_from_the_nearest_mark(line: int, place: tuple[int, int]) -> None:
    index = LineIndex()
    index.extend(b"x\n" * 1000)
    assert index.seek(line) == place
