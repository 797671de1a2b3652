from app.xxl_job.executor.line_cutter import LONGEST_LINE_BYTES, LineCutter


def test_bytes_come_out_as_whole_lines_whatever_the_pieces() -> None:
    cutter = LineCutter()
    pieces = [b"on", b"e\ntw", b"o\r\n", b"\n", "äpfel".encode()[:2], "äpfel".encode()[2:] + b"\n", b"last"]
    assert [line for piece in pieces for line in cutter.feed(piece)] == ["one", "two", "", "äpfel"]
    assert list(cutter.flush()) == ["last"]
    assert list(cutter.flush()) == []


def test_a_line_without_end_comes_in_pieces_and_is_not_kept() -> None:
    cutter = LineCutter()
    lines = list(cutter.feed(b"x" * (3 * LONGEST_LINE_BYTES + 5)))
    assert [len(line) for line in lines] == [LONGEST_LINE_BYTES] * 3
    assert list(cutter.flush()) == ["xxxxx"]


def test_what_is_no_utf8_is_replaced() -> None:
    assert list(LineCutter().feed(b"a\xffb\n")) == ["a\ufffdb"]
