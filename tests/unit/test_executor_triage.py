"""Finding the culprit with few requests, and knowing an outage for what it is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.xxl_job.executor.triage import Triage

MOST = 500


def send(triage: Triage, queue: list[int], poison: set[int]) -> list[int]:
    """Sends until the culprit stands alone; returns the sizes of the batches."""
    sizes = []
    while True:
        batch = queue[: triage.limit]
        sizes.append(len(batch))
        if poison.isdisjoint(batch):
            del queue[: len(batch)]
            triage.accepted(len(batch))
        elif triage.refused(len(batch)):
            return sizes


@pytest.mark.parametrize("position", [0, 1, 2, 3, 199, 200, 398, 399])
def test_one_of_400_is_found_within_20_requests(position: int) -> None:
    assert len(send(Triage(MOST), list(range(400)), {position})) <= 20


@settings(max_examples=50)
@given(size=st.integers(2, 500), poison=st.sets(st.integers(0, 499), min_size=1, max_size=3))
def test_a_culprit_is_always_found_and_never_an_innocent(size: int, poison: set[int]) -> None:
    queue = list(range(size))
    if poison.isdisjoint(queue):
        return
    send(Triage(MOST), queue, poison)
    assert queue[0] == min(poison)


def test_a_refused_batch_is_followed_by_one_callback() -> None:
    triage = Triage(MOST)
    assert not triage.refused(200)
    assert (triage.limit, triage.is_down) == (1, False)


def test_a_console_that_refuses_that_one_too_is_down_until_it_takes_one() -> None:
    triage = Triage(MOST)
    triage.refused(200)
    assert triage.refused(1)
    assert (triage.limit, triage.is_down) == (1, True)
    triage.accepted(1)
    assert (triage.limit, triage.is_down) == (MOST, False)


def test_a_batch_that_was_refused_in_passing_is_soon_sent_whole_again() -> None:
    triage = Triage(MOST)
    triage.refused(100)
    sizes, left = [], 100
    while triage.limit < MOST:
        size = min(triage.limit, left)
        sizes.append(size)
        left -= size
        triage.accepted(size)
    assert sizes == [1, 49, 49, 1]
