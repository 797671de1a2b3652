from app.alerts.budget import Pace, RobotBudget


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def budget_of(limit: int = 20) -> tuple[RobotBudget, Clock]:
    clock = Clock()
    return RobotBudget(Pace(limit=limit), clock), clock


def test_a_fresh_robot_takes_a_message_at_once() -> None:
    assert budget_of()[0].wait_seconds() == 0


def test_the_twenty_first_message_waits_until_the_first_ones_minute_is_over() -> None:
    budget, clock = budget_of()
    for _ in range(20):
        assert budget.wait_seconds() == 0
        budget.answered()
        clock.now += 1
    assert budget.wait_seconds() == 40
    clock.now += 40
    assert budget.wait_seconds() == 0


def test_no_window_of_a_minute_ever_holds_more_than_the_limit() -> None:
    budget, clock = budget_of(limit=3)
    sent: list[float] = []
    while clock.now < 1600:
        if budget.wait_seconds() == 0:
            sent.append(clock.now)
            budget.answered()
        clock.now += 7
    assert len(sent) > 20
    assert max(sum(start <= at < start + 60 for at in sent) for start in sent) == 3


def test_a_refusal_holds_the_robot_back_for_a_whole_minute_and_longer_when_it_repeats() -> None:
    budget, clock = budget_of()
    budget.refused()
    assert budget.wait_seconds() == 60
    clock.now += 60
    budget.refused()
    assert budget.wait_seconds() == 120
    for _ in range(10):
        budget.refused()
    assert budget.wait_seconds() == 300


def test_an_answer_ends_the_growth_of_the_hold() -> None:
    budget, _clock = budget_of()
    budget.refused()
    budget.answered()
    budget.refused()
    assert budget.wait_seconds() == 60


def test_failures_back_off_twice_as_long_each_up_to_thirty_seconds() -> None:
    budget, clock = budget_of()
    waits = []
    for _ in range(7):
        budget.failed()
        waits.append(budget.wait_seconds())
        clock.now += 60
    assert waits == [1, 2, 4, 8, 16, 30, 30]


def test_a_message_without_an_answer_counts_for_it_may_have_arrived() -> None:
    budget, clock = budget_of(limit=1)
    budget.failed()
    clock.now += 30
    assert budget.wait_seconds() == 30
