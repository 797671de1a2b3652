import threading

import pytest

from app.common.context import bound, get_trace_id
from app.xxl_job.executor.isolation.failures import WorkerDied, WorkerUnfit
from app.xxl_job.executor.isolation.task import Task


def test_work_is_done_in_the_context_of_who_made_the_task() -> None:
    with bound("xxl-app-1"):
        task = Task({}, live=False)
    found: list[str] = []
    thread = threading.Thread(target=task.call, args=(lambda: found.append(get_trace_id()),))
    thread.start()
    thread.join()
    assert found == ["xxl-app-1"]


def test_the_result_is_what_was_told_before_the_end() -> None:
    task = Task({}, live=False)
    task.settled = {"text": "done"}
    task.end()
    assert task.result() == {"text": "done"}


def test_an_end_without_a_result_is_a_failure() -> None:
    task = Task({}, live=False)
    task.end()
    with pytest.raises(WorkerDied):
        task.result()


@pytest.mark.parametrize(("begun", "kind"), [(True, WorkerDied), (False, WorkerUnfit)])
def test_a_death_before_the_begin_says_nothing_of_the_run(begun: bool, kind: type[Exception]) -> None:
    task = Task({}, live=False)
    task.begun = begun
    task.fail("signal 11")
    with pytest.raises(kind, match="signal 11"):
        task.result()


def test_the_end_stops_the_timer() -> None:
    task = Task({}, live=False)
    task.timer = threading.Timer(60, lambda: None)
    task.timer.start()
    task.end()
    task.timer.join(5)
    assert not task.timer.is_alive()
