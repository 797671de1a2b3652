"""Places: so many runs at once, so many of a handler, and nobody waits for somebody else's limit."""

from typing import Any

from app.config.settings import XxlJobSettings
from app.jobs.options import JobOptions
from app.jobs.registry import build_definition
from app.jobs.run import Run
from app.xxl_job.executor.places import Places
from support.jobs_support import build_record


class Desk:
    def __init__(self, **limits: Any) -> None:
        self.limits = XxlJobSettings(**limits)
        self.places = Places(lambda: self.limits)

    def enter(self, *names: str, max_concurrent: int | None = None) -> list[Run]:
        runs = []
        for name in names:
            options = JobOptions(max_concurrent=max_concurrent)
            runs.append(Run(build_record(), build_definition(name, lambda: None, options=options)))
            self.places.enter(runs[-1])
        return runs

    def take(self) -> list[str]:
        return [run.definition.name for run in self.places.take()]


def test_as_many_run_as_there_are_places() -> None:
    desk = Desk(max_concurrent_runs=2)
    first, *_ = desk.enter("a", "b", "c")
    assert desk.take() == ["a", "b"]
    assert not desk.places.leave(first)
    assert desk.take() == ["c"]


def test_a_handler_at_its_limit_holds_up_nobody_else() -> None:
    desk = Desk(max_concurrent_runs=3)
    capped = desk.enter(*["capped"] * 5, max_concurrent=1)
    desk.enter("free", "free")
    assert desk.take() == ["capped", "free", "free"]
    desk.places.leave(capped[0])
    assert desk.take() == ["capped"]


def test_the_settings_win_over_the_jobs_own_limit() -> None:
    desk = Desk(job_limits={"capped": 2})
    desk.enter(*["capped"] * 5, max_concurrent=1)
    assert desk.take() == ["capped", "capped"]


def test_runs_of_a_capped_handler_go_in_their_order() -> None:
    desk = Desk()
    runs = desk.enter(*["capped"] * 3, max_concurrent=1)
    order = []
    for _ in runs:
        run = next(desk.places.take())
        order.append(run)
        desk.places.leave(run)
    assert order == runs


def test_a_raised_limit_counts_at_once() -> None:
    desk = Desk(max_concurrent_runs=1, job_limits={"capped": 1})
    desk.enter("capped", "capped", "capped", "free")
    assert desk.take() == ["capped"]
    desk.limits = XxlJobSettings(max_concurrent_runs=9, job_limits={"capped": 2})
    assert sorted(desk.take()) == ["capped", "free"]


def test_a_lowered_limit_stops_nobody_and_lets_fewer_start() -> None:
    desk = Desk(max_concurrent_runs=2)
    first, second, _ = desk.enter("a", "b", "c")
    assert desk.take() == ["a", "b"]
    desk.limits = XxlJobSettings(max_concurrent_runs=1)
    desk.places.leave(first)
    assert desk.take() == []
    desk.places.leave(second)
    assert desk.take() == ["c"]


def test_who_stops_waiting_is_told_that_it_never_had_a_place() -> None:
    desk = Desk(max_concurrent_runs=1)
    _, in_line, capped = (*desk.enter("a"), *desk.enter("b"), *desk.enter("b", max_concurrent=1))
    assert desk.take() == ["a"]
    assert [desk.places.is_waiting(run) for run in (in_line, capped)] == [True, True]
    assert [desk.places.leave(run) for run in (in_line, capped)] == [True, True]
    assert desk.places.waiting == 0


def test_a_waiting_run_that_leaves_hands_its_turn_on() -> None:
    desk = Desk(max_concurrent_runs=1)
    (running,) = desk.enter("a")
    assert desk.take() == ["a"]
    first, _ = desk.enter("capped", "capped", max_concurrent=1)
    desk.places.leave(first)
    desk.places.leave(running)
    assert desk.take() == ["capped"]


def test_nothing_is_kept_of_those_who_have_left() -> None:
    desk = Desk()
    for run in desk.enter("a", "b", "a", max_concurrent=1):
        list(desk.places.take())
        desk.places.leave(run)
        assert desk.places.leave(run) is False
    assert (len(desk.places), desk.places.waiting) == (0, 0)
