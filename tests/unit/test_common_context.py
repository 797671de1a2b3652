"""Context variables are set for a block, and put back."""

import asyncio
import threading

import pytest

from app.common.context import bound, get_trace_id, pinned_snapshot_var, run_var, unpinned_context


def test_outside_of_requests_and_runs_nothing_is_bound() -> None:
    assert (get_trace_id(), pinned_snapshot_var.get(), run_var.get()) == ("-", None, None)


def test_a_block_sees_what_is_bound_and_the_former_values_come_back() -> None:
    with bound("outer", snapshot="s1", run="r1"):
        with bound("inner"):
            assert (get_trace_id(), pinned_snapshot_var.get(), run_var.get()) == ("inner", None, None)
        assert (get_trace_id(), pinned_snapshot_var.get(), run_var.get()) == ("outer", "s1", "r1")
    assert get_trace_id() == "-"


def test_the_former_values_come_back_after_an_error() -> None:
    with pytest.raises(KeyError), bound("failing"):
        raise KeyError
    assert get_trace_id() == "-"


async def test_tasks_at_once_do_not_see_each_other() -> None:
    seen: list[tuple[str, str]] = []

    async def handle(trace: str) -> None:
        with bound(trace):
            await asyncio.sleep(0)
            seen.append((trace, get_trace_id()))

    await asyncio.gather(*(handle(f"t{number}") for number in range(5)))
    assert seen == [(f"t{number}", f"t{number}") for number in range(5)]
    assert get_trace_id() == "-"


def test_a_thread_of_its_own_starts_without() -> None:
    seen: list[str] = []
    with bound("main"):
        thread = threading.Thread(target=lambda: seen.append(get_trace_id()))
        thread.start()
        thread.join()
    assert seen == ["-"]


def test_a_task_that_outlives_its_request_keeps_the_trace_and_nothing_else() -> None:
    with bound("trace", snapshot="s1", run="r1"):
        context = unpinned_context()
        assert (pinned_snapshot_var.get(), run_var.get()) == ("s1", "r1")
    assert context.run(lambda: (get_trace_id(), pinned_snapshot_var.get(), run_var.get())) == ("trace", None, None)
