"""Log ids and job ids of the embedded console."""

import zlib

from app.scheduler.identifiers import JobIds, LogIds
from support.scheduler import ManualClock


def test_two_runs_within_one_millisecond_have_different_ids() -> None:
    ids = LogIds(ManualClock(1000.0))
    assert [ids.take(), ids.take(), ids.take()] == [1_000_000, 1_000_001, 1_000_002]


def test_ids_keep_rising_when_the_clock_steps_back() -> None:
    clock = ManualClock(1000.0)
    ids = LogIds(clock)
    first = ids.take()
    clock.now = 10.0
    assert ids.take() > first


def test_a_restarted_console_gives_new_ids() -> None:
    clock = ManualClock(1000.0)
    before = LogIds(clock).take()
    clock.now = 1000.5
    assert LogIds(clock).take() > before


def test_a_job_has_the_same_id_in_every_process() -> None:
    assert JobIds().of("nightly_report") == JobIds().of("nightly_report") == 2145129394


def test_a_job_id_is_a_positive_java_int() -> None:
    ids = [JobIds().of(name) for name in ("", "a", "nightly_report", "任务")]
    assert all(0 < job_id < 2**31 for job_id in ids)


def test_two_names_with_one_checksum_have_different_ids() -> None:
    assert zlib.crc32(b"plumless") == zlib.crc32(b"buckeroo")
    ids = JobIds()
    assert ids.of("plumless") != ids.of("buckeroo")
    assert ids.of("plumless") == JobIds().of("plumless")
