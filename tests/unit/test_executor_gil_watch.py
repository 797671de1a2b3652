"""What the stacks say of a time in which nothing ran."""

import io
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from app.common.logger import log
from app.common.metrics import GIL_HELD
from app.jobs.executions import Execution
from app.xxl_job.executor.gil_watch import GilWatch


def hold() -> None: ...


def wait() -> None: ...


@pytest.fixture
def lines() -> Iterator[list[Any]]:
    taken: list[Any] = []
    handler = log.add(lambda message: taken.append(cast("Any", message).record), level="INFO")
    yield taken
    log.remove(handler)


def dump(*threads: tuple[int, int, str]) -> str:
    stacks = [
        f'Thread 0x{thread_id:x} (most recent call first):\n  File "{__file__}", line {line} in {name}\n'
        for thread_id, line, name in threads
    ]
    return "Timeout (0:00:01)!\n" + "\n".join(stacks)


def execution(function: Callable[[], None], thread_id: int) -> Execution:
    return Execution("it", 4, 1, "xxl-app-1", function, thread_id, None)


def watch(*executing: Execution) -> GilWatch:
    return GilWatch(lambda _: list(executing), io.BytesIO(), held_seconds=2.0)


def test_the_job_whose_call_stood_all_the_time_is_named_with_its_stack(lines: list[Any]) -> None:
    before = GIL_HELD.value(handler="it")
    watch(execution(hold, 17), execution(wait, 18)).judge(4.0, dump((17, 6, "hold"), (18, 3, "other")) * 4)

    [line] = lines
    assert line["extra"]["stack"] == f"{__file__}:6 hold"
    assert (line["extra"]["job"], line["extra"]["log_id"], line["extra"]["held_seconds"]) == ("it", 1, 4.0)
    assert "isolation" in line["message"]
    assert GIL_HELD.value(handler="it") == before + 1


def test_of_several_that_stood_still_each_is_named_as_one_of_them(lines: list[Any]) -> None:
    watch(execution(hold, 17), execution(wait, 18)).judge(2.1, dump((17, 6, "hold"), (18, 3, "wait")) * 2)
    assert [line["extra"]["among"] for line in lines] == [2, 2]


def test_a_hold_that_is_no_jobs_is_told_with_all_stacks(lines: list[Any]) -> None:
    watch().judge(4.0, dump((17, 6, "hold"), (18, 3, "wait")) * 4)
    assert [line["message"] for line in lines] == ["a call held the interpreter, and it was no job's"]
    assert lines[0]["extra"]["stacks"] == f"{__file__}:6 hold; {__file__}:3 wait"


@pytest.mark.parametrize(
    ("held_seconds", "text"),
    [
        (60.0, dump((17, 6, "hold"))),
        (60.0, dump((17, 6, "hold")) * 2),
        (1.1, dump((17, 6, "hold"))),
        (4.0, "".join(dump((17, line, "hold")) for line in (6, 7, 8, 9))),
        (4.0, "".join(dump((17, 6, "hold"), (18, line, "wait")) for line in (6, 7, 8, 9))),
        (4.0, "garbage"),
    ],
    ids=["suspended", "nearly all suspended", "short", "python code", "another ran", "garbage"],
)
def test_what_is_no_hold_is_not_told(lines: list[Any], held_seconds: float, text: str) -> None:
    watch(execution(hold, 17)).judge(held_seconds, text)
    assert lines == []
