"""Who is being executed, and who was a moment ago."""

import gc
import math
import threading
import time
import weakref

from app.jobs.executions import MOST_RECENT, Execution, Executions
from app.jobs.result import succeeded
from support.jobs_support import build_run


def work() -> None: ...


def test_a_run_is_listed_with_its_thread_while_it_is_executed() -> None:
    executions, run = Executions(), build_run(work)
    executions.began(run)
    assert executions.list_since(math.inf) == [Execution("it", 4, 1, "xxl-app-1", work, threading.get_ident(), None)]
    executions.ended(run)
    assert executions.list_since(math.inf) == []


def test_one_that_has_ended_is_listed_for_who_asks_about_earlier() -> None:
    executions, run, before = Executions(), build_run(work), time.monotonic()
    executions.began(run)
    executions.ended(run)
    [listed] = executions.list_since(before)
    assert listed.log_id == 1
    assert listed.ended_at is not None
    assert executions.list_since(listed.ended_at + 1) == []


def test_one_that_never_began_may_end() -> None:
    executions = Executions()
    executions.ended(build_run(work))
    assert executions.list_since(0) == []


def test_of_those_that_have_ended_the_latest_are_known_and_none_is_kept_alive() -> None:
    executions, references = Executions(), []
    for number in range(MOST_RECENT + 10):
        run = build_run(work, log_id=number)
        run.fix(succeeded("x" * 100))
        executions.began(run)
        executions.ended(run)
        references.append(weakref.ref(run))
    del run
    gc.collect()
    assert [one.log_id for one in executions.list_since(0)] == list(range(10, MOST_RECENT + 10))
    assert [reference for reference in references if reference() is not None] == []
