"""Refused callbacks wait, each for its own time."""

from dataclasses import dataclass

import pytest

from app.xxl_job.executor.backoff import Backoff
from app.xxl_job.executor.callback import Callback
from app.xxl_job.executor.refused import RefusedCallbacks


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def callback(number: int) -> Callback:
    return Callback(f"run-{number}", number, 1, 200, "ok")


def refused_callbacks(clock: Clock) -> RefusedCallbacks:
    return RefusedCallbacks(lambda: Backoff(first=4, longest=30), clock)


def test_it_is_due_after_its_pause_and_not_before() -> None:
    clock = Clock()
    refused = refused_callbacks(clock)
    pause = refused.add(callback(1))
    assert 3 <= pause <= 4
    assert refused.take_due() is None
    assert refused.wait_seconds == pytest.approx(pause)
    clock.now += pause
    assert refused.take_due() == callback(1)
    assert (len(refused), refused.wait_seconds) == (0, None)


def test_its_pauses_grow_to_the_bound_with_every_refusal() -> None:
    clock = Clock()
    refused = refused_callbacks(clock)
    pauses = []
    for _ in range(6):
        pauses.append(refused.add(callback(1)))
        clock.now += 30
        assert refused.take_due() == callback(1)
    assert 23 <= pauses[3] <= 30
    assert 22.5 <= pauses[5] <= 30
    assert pauses[0] < pauses[1] < pauses[2]


def test_after_a_refusal_no_other_is_tried_at_once() -> None:
    clock = Clock()
    refused = refused_callbacks(clock)
    refused.add(callback(1))
    refused.add(callback(2))
    clock.now += 4
    assert refused.take_due() is not None
    refused.hold_on()
    assert refused.take_due() is None
    clock.now += 4
    assert refused.take_due() is not None


def test_what_was_taken_at_last_starts_anew_if_it_ever_comes_back() -> None:
    clock = Clock()
    refused = refused_callbacks(clock)
    for _ in range(5):
        refused.add(callback(1))
        clock.now += 30
        refused.take_due()
    refused.forget(callback(1))
    assert refused.add(callback(1)) <= 4


def test_a_release_makes_all_of_them_due() -> None:
    refused = refused_callbacks(Clock())
    refused.add(callback(1))
    refused.add(callback(2))
    refused.hold_on()
    refused.release()
    assert [refused.take_due(), refused.take_due()] == [callback(1), callback(2)]
