"""What a run starts in threads belongs to it, and nothing else does."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from app.common.context import NO_TRACE, bound, get_trace_id, run_var, start_apart
from app.jobs.threads import context_follows_threads

RUN = object()


def trace_in_a_thread() -> str:
    seen: list[str] = []
    thread = threading.Thread(target=lambda: seen.append(get_trace_id()))
    thread.start()
    thread.join()
    return seen[0]


def test_a_thread_of_a_run_has_its_context() -> None:
    with context_follows_threads(), bound("a-run", run=RUN):
        assert trace_in_a_thread() == "a-run"


def test_a_threads_thread_has_it_too() -> None:
    seen: list[str] = []
    with context_follows_threads(), bound("a-run", run=RUN):
        thread = threading.Thread(target=lambda: seen.append(trace_in_a_thread()))
        thread.start()
        thread.join()
    assert seen == ["a-run"]


def test_what_the_thread_sets_stays_in_it() -> None:
    def work() -> None:
        run_var.set("another")

    with context_follows_threads(), bound("a-run", run=RUN):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert run_var.get() is RUN


class Counting(threading.Thread):
    def __init__(self) -> None:
        super().__init__()
        self.seen = ""

    def run(self) -> None:
        self.seen = get_trace_id()


def test_a_thread_of_an_own_class_has_it_and_is_left_as_it_was() -> None:
    with context_follows_threads(), bound("a-run", run=RUN):
        thread = Counting()
        thread.start()
        thread.join()
    assert thread.seen == "a-run"
    assert "run" not in vars(thread)


def test_a_pool_works_for_each_in_their_context() -> None:
    with context_follows_threads(), ThreadPoolExecutor(1) as pool:
        with bound("a-run", run=RUN):
            first = pool.submit(get_trace_id).result()
        with bound("b-run", run=object()):
            second = pool.submit(get_trace_id).result()
        outside = pool.submit(get_trace_id).result()
    assert (first, second, outside) == ("a-run", "b-run", "-")


def test_arguments_reach_the_function_in_a_pool() -> None:
    with context_follows_threads(), bound("a-run", run=RUN), ThreadPoolExecutor(1) as pool:
        assert pool.submit(int, "ff", base=16).result() == 255


async def test_a_function_in_the_loops_pool_has_it() -> None:
    loop = asyncio.get_running_loop()
    with context_follows_threads(), bound("a-run", run=RUN):
        assert await asyncio.to_thread(get_trace_id) == "a-run"
        assert await loop.run_in_executor(None, get_trace_id) == "a-run"
    assert await asyncio.to_thread(get_trace_id) == "-"


def test_outside_of_a_run_threads_begin_with_nothing() -> None:
    with context_follows_threads(), bound("a-request"):
        assert trace_in_a_thread() == "-"


def test_the_standard_library_is_put_back() -> None:
    former = threading.Thread.start, ThreadPoolExecutor.submit
    with context_follows_threads():
        assert former != (threading.Thread.start, ThreadPoolExecutor.submit)
    assert former == (threading.Thread.start, ThreadPoolExecutor.submit)


def test_a_thread_that_outlives_the_run_has_nothing_of_it() -> None:
    seen: list[object] = []
    with context_follows_threads(), bound("a-run", run=RUN):
        thread = threading.Thread(target=lambda: seen.extend((get_trace_id(), run_var.get())))
        start_apart(thread)
        thread.join()
    assert seen == [NO_TRACE, None]
