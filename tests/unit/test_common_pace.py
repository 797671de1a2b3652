"""What comes in quick succession is told from what comes alone."""

import pytest

from app.common.pace import Pace


def pace_after(arrivals: list[tuple[float, int]], rest_seconds: float = 0.0) -> bool:
    """Each arrival: seconds since the last one, and how many came. Brisk is a thousand a second."""
    time = [100.0]
    pace = Pace(1000.0, lambda: time[0])
    for seconds, number in arrivals:
        time[0] += seconds
        pace.count(number)
    time[0] += rest_seconds
    return pace.is_brisk


@pytest.mark.parametrize(
    "arrivals",
    [
        pytest.param([], id="nothing yet"),
        pytest.param([(0.02, 3)] * 50, id="150 a second"),
        pytest.param([(60, 900)], id="a burst after a minute of rest"),
        pytest.param([(0.001, 1)] * 10, id="too short to tell"),
    ],
)
def test_what_comes_now_and_then_is_not_brisk(arrivals: list[tuple[float, int]]) -> None:
    assert not pace_after(arrivals)


@pytest.mark.parametrize("arrivals", [[(0.001, 2)] * 30, [(0.01, 50)] * 3])
def test_load_is_brisk(arrivals: list[tuple[float, int]]) -> None:
    assert pace_after(arrivals)


def test_a_load_that_has_ended_is_not_brisk() -> None:
    assert not pace_after([(0.005, 20)] * 20, rest_seconds=0.2)
