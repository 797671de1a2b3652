"""Only what comes in quick succession waits a moment for more."""

import pytest

from app.jobs.ledger.pace import LINGER_SECONDS, Pace


class Watch:
    """A clock that moves as it is told, and by what is slept."""

    def __init__(self) -> None:
        self.time = 100.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        self.slept.append(seconds)


def slept_after(takes: list[tuple[float, int]]) -> list[float]:
    """Each take: seconds since the last one, and how many came."""
    watch = Watch()
    pace = Pace(now=watch.now, sleep=watch.sleep)
    for seconds, count in takes:
        watch.time += seconds
        pace.took(count)
    pace.linger()
    return watch.slept


@pytest.mark.parametrize(
    "takes",
    [
        pytest.param([], id="nothing yet"),
        pytest.param([(0.02, 3)] * 50, id="150 a second"),
        pytest.param([(60, 900)], id="a burst after a minute of rest"),
        pytest.param([(0.001, 1)] * 10, id="too short to tell"),
    ],
)
def test_without_load_nothing_waits(takes: list[tuple[float, int]]) -> None:
    assert slept_after(takes) == []


@pytest.mark.parametrize("takes", [[(0.001, 2)] * 30, [(0.01, 50)] * 3])
def test_under_load_a_batch_is_let_grow(takes: list[tuple[float, int]]) -> None:
    assert slept_after(takes) == [LINGER_SECONDS]


def test_what_comes_after_a_load_has_ended_does_not_wait() -> None:
    watch = Watch()
    pace = Pace(now=watch.now, sleep=watch.sleep)
    for _ in range(20):
        watch.time += 0.005
        pace.took(20)
    assert pace.is_brisk
    watch.time += 0.2
    pace.linger()
    assert watch.slept == []
