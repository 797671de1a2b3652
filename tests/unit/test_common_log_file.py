"""The daily file: date, failure, recovery."""

import os
from datetime import UTC, datetime
from pathlib import Path

from app.common.log_file import DailyFile, open_for_append


class Clock:
    def __init__(self, text: str) -> None:
        self.moment = datetime.fromisoformat(text).replace(tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment


def test_lines_go_to_the_folder_of_the_date(tmp_path: Path) -> None:
    clock = Clock("2026-01-02T23:59:59")
    file = DailyFile(tmp_path, "web-h-0", now=clock)
    assert file.write(b"before\n")
    clock.moment = datetime(2026, 1, 3, tzinfo=UTC)
    assert file.write(b"after\n")
    file.close()
    assert (tmp_path / "2026-01-02/web-h-0.log").read_bytes() == b"before\n"
    assert (tmp_path / "2026-01-03/web-h-0.log").read_bytes() == b"after\n"


def test_what_stands_in_the_file_stays(tmp_path: Path) -> None:
    clock = Clock("2026-01-02T00:00:00")
    for line in (b"one\n", b"two\n"):
        file = DailyFile(tmp_path, "web-h-0", now=clock)
        file.write(line)
        file.close()
    assert (tmp_path / "2026-01-02/web-h-0.log").read_bytes() == b"one\ntwo\n"


def test_a_file_that_was_moved_away_is_opened_anew(tmp_path: Path) -> None:
    file = DailyFile(tmp_path, "web-h-0", now=Clock("2026-01-02T00:00:00"))
    file.write(b"one\n")
    path = tmp_path / "2026-01-02/web-h-0.log"
    path.rename(tmp_path / "moved")
    file.write(b"two\n")
    file.close()
    assert path.read_bytes() == b"two\n"


def test_others_can_not_read_the_file(tmp_path: Path) -> None:
    file = DailyFile(tmp_path, "web-h-0", now=Clock("2026-01-02T00:00:00"))
    file.write(b"one\n")
    file.close()
    assert (tmp_path / "2026-01-02/web-h-0.log").stat().st_mode & 0o007 == 0


def test_a_folder_that_can_not_be_made_is_an_error_until_it_can(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.write_text("in the way")
    file = DailyFile(folder, "web-h-0", now=Clock("2026-01-02T00:00:00"), retry_seconds=0)
    assert not file.write(b"one\ntwo\n")
    assert isinstance(file.error, OSError)
    assert file.lines_lost == 2
    folder.unlink()
    assert file.write(b"three\n")
    file.close()
    assert file.error is None
    assert (folder / "2026-01-02/web-h-0.log").read_bytes() == b"three\n"


def test_a_failing_file_is_not_tried_with_every_batch(tmp_path: Path) -> None:
    attempts: list[Path] = []

    def refuse(path: Path) -> int:
        attempts.append(path)
        raise PermissionError(13, "Permission denied")

    file = DailyFile(tmp_path, "web-h-0", opener=refuse, retry_seconds=60)
    assert [file.write(b"x\n") for _ in range(5)] == [False] * 5
    assert len(attempts) == 1
    assert file.lines_lost == 5


def test_a_full_disk_is_an_error_until_there_is_room(tmp_path: Path) -> None:
    is_full = True

    def opener(path: Path) -> int:
        return os.open("/dev/full", os.O_WRONLY) if is_full else open_for_append(path)

    file = DailyFile(tmp_path, "web-h-0", now=Clock("2026-01-02T00:00:00"), opener=opener, retry_seconds=0)
    assert not file.write(b"one\n")
    assert file.error is not None
    assert file.error.strerror == "No space left on device"
    is_full = False
    assert file.write(b"two\n")
    file.close()
    assert (tmp_path / "2026-01-02/web-h-0.log").read_bytes() == b"two\n"


def test_a_line_that_was_cut_by_a_full_disk_does_not_swallow_the_next(tmp_path: Path) -> None:
    """A pipe without a reader's room stands for the disk: it takes the first bytes, then refuses."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    while True:
        try:
            os.write(writer, b"." * 4096)
        except BlockingIOError:
            break
    os.read(reader, 4096)
    openers = [writer, os.open("/dev/full", os.O_WRONLY), None]

    def opener(path: Path) -> int:
        descriptor = openers.pop(0)
        return open_for_append(path) if descriptor is None else descriptor

    file = DailyFile(tmp_path, "web-h-0", now=Clock("2026-01-02T00:00:00"), opener=opener, retry_seconds=0)
    assert not file.write(b"first\n" + b"x" * 8000 + b"\nlast\n")
    assert file.lines_lost == 2
    assert not file.write(b"while it stays full\n")
    assert file.lines_lost == 3
    assert file.write(b"again\n")
    file.close()
    os.close(reader)
    assert (tmp_path / "2026-01-02/web-h-0.log").read_bytes() == b"\nagain\n"
