import threading
from collections.abc import Callable
from typing import Any

import pytest

from app.jobs.run import Run
from app.xxl_job.executor.isolation.pool import NoWorker, WorkerPool
from app.xxl_job.executor.isolation.worker import Worker, WorkerListener
from support.jobs_support import build_run


class StillWorker:
    """A worker without a process, ready when the test says so."""

    def __init__(self, listener: WorkerListener) -> None:
        self.listener: Any = listener
        self.process = None
        self.closed = False
        self.thread = threading.Thread(target=lambda: None)

    def close(self) -> None:
        self.closed = True

    def get_ready(self) -> None:
        self.listener.ready(self)

    def die(self, refusal: str | None = None) -> None:
        self.listener.gone(self, refusal)


class Desk:
    def __init__(self, size: int = 1) -> None:
        self.size = size
        self.workers: list[StillWorker] = []
        self.given: dict[Run, Any] = {}
        self.pool = WorkerPool(self._build, lambda: self.size)

    def _build(self, listener: WorkerListener) -> Worker:
        worker: Any = StillWorker(listener)
        self.workers.append(worker)
        return worker  # type: ignore[no-any-return]

    def ask(self) -> Run:
        run = build_run()
        self.pool.request(run, self._taker(run))
        return run

    def _taker(self, run: Run) -> Callable[[Worker | NoWorker], None]:
        def take(found: Worker | NoWorker) -> None:
            assert run not in self.given
            self.given[run] = found

        return take


def test_nothing_is_started_before_the_first_run_asks() -> None:
    desk = Desk()
    assert desk.workers == []
    desk.ask()
    assert len(desk.workers) == 1


def test_a_warm_worker_is_given_out_again() -> None:
    desk = Desk()
    first = desk.ask()
    desk.workers[0].get_ready()
    desk.pool.release(desk.given[first])
    second = desk.ask()
    assert desk.given == {first: desk.workers[0], second: desk.workers[0]}


def test_runs_are_served_in_the_order_of_asking() -> None:
    desk = Desk()
    runs = [desk.ask() for _ in range(3)]
    desk.workers[0].get_ready()
    for run in runs:
        assert list(desk.given)[-1] is run
        desk.pool.release(desk.given[run])
    assert len(desk.workers) == 1


def test_there_are_never_more_workers_than_the_settings_say() -> None:
    desk = Desk(size=2)
    for _ in range(5):
        desk.ask()
    assert len(desk.workers) == 2


def test_more_workers_start_when_the_settings_grow_and_fewer_stay_when_they_shrink() -> None:
    desk = Desk()
    runs = [desk.ask(), desk.ask()]
    desk.size = 2
    runs.append(desk.ask())
    for worker in list(desk.workers):
        worker.get_ready()
    desk.size = 1
    for run in runs[:2]:
        desk.pool.release(desk.given[run])
    assert [worker.closed for worker in desk.workers].count(True) == 1


def test_a_dead_worker_is_replaced_at_once() -> None:
    desk = Desk()
    run = desk.ask()
    desk.workers[0].get_ready()
    desk.workers[0].die()
    desk.pool.release(desk.given[run])
    assert len(desk.workers) == 2
    waiting = desk.ask()
    assert waiting not in desk.given
    desk.workers[1].get_ready()
    assert desk.given[waiting] is desk.workers[1]


def test_one_that_cannot_start_fails_the_run_that_waits_longest_and_is_not_started_again_for_nobody() -> None:
    desk = Desk()
    run = desk.ask()
    desk.workers[0].die("no module named x")
    assert isinstance(desk.given[run], NoWorker)
    assert "no module named x" in desk.given[run].message
    assert len(desk.workers) == 1


def test_each_waiting_run_gets_a_start_of_its_own() -> None:
    desk = Desk()
    runs = [desk.ask(), desk.ask()]
    desk.workers[0].die("broken")
    assert list(desk.given) == runs[:1]
    desk.workers[1].die("broken")
    assert list(desk.given) == runs


def test_a_request_that_is_taken_back_is_answered_and_never_served() -> None:
    desk = Desk()
    first, second = desk.ask(), desk.ask()
    assert desk.pool.cancel(second)
    assert not desk.pool.cancel(second)
    desk.workers[0].get_ready()
    desk.pool.release(desk.given[first])
    assert isinstance(desk.given[second], NoWorker)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_closed_pool_serves_nobody(when: str) -> None:
    desk = Desk()
    busy = desk.ask()
    desk.workers[0].get_ready()
    late = desk.ask() if when == "before" else None
    desk.pool.close(1.0)
    late = late or desk.ask()
    assert isinstance(desk.given[late], NoWorker)
    assert desk.workers[0].closed
    desk.workers[0].die()
    desk.pool.release(desk.given[busy])
    assert len(desk.workers) == 1
