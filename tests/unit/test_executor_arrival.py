"""When a request came, though the loop looked later."""

from app.xxl_job.executor.arrival import TICK_SECONDS, ArrivalClock


class Hands:
    def __init__(self) -> None:
        self.now = 100.0

    def time(self) -> float:
        return self.now


def ticking(seconds: float) -> tuple[Hands, ArrivalClock]:
    hands = Hands()
    clock = ArrivalClock(hands.time)
    for _ in range(round(seconds / TICK_SECONDS)):
        hands.now += TICK_SECONDS
        clock.tick()
    return hands, clock


def test_on_a_loop_that_runs_it_is_now() -> None:
    hands, clock = ticking(1)
    hands.now += 0.05
    assert clock.arrival() == hands.now


def test_what_is_read_first_after_a_standstill_may_have_waited_since_before() -> None:
    hands, clock = ticking(1)
    stood_still_at = hands.now
    hands.now += 3
    assert clock.arrival() <= stood_still_at


def test_what_is_read_soon_after_the_first_tick_may_have_waited_too() -> None:
    hands, clock = ticking(1)
    stood_still_at = hands.now
    hands.now += 3
    clock.tick()
    hands.now += 0.01
    assert clock.arrival() <= stood_still_at


def test_a_moment_later_all_that_waited_was_read() -> None:
    hands, clock = ticking(1)
    hands.now += 3
    clock.tick()
    for _ in range(2):
        hands.now += TICK_SECONDS
        clock.tick()
    assert clock.arrival() == hands.now
