"""The contract of the run repository, over its memory twin."""

import pytest

from app.scheduler.models import ConsoleRun, ConsoleRunState, Outcome, RunOrder
from app.scheduler.repository import MemoryRunRepository, RunRepository


@pytest.fixture
def repository() -> RunRepository:
    return MemoryRunRepository(keep=3)


def build_run(log_id: int, handler: str = "report") -> ConsoleRun:
    return ConsoleRun(
        log_id=log_id, job_id=7, order=RunOrder(handler), trace_id=f"xxl-demo-{log_id}", triggered_at_ms=log_id
    )


async def state_of(repository: RunRepository, log_id: int) -> ConsoleRunState:
    run = await repository.find(log_id)
    assert run is not None
    return run.state


async def test_a_run_that_was_added_is_found(repository: RunRepository) -> None:
    await repository.add(build_run(1))
    assert await repository.find(1) == build_run(1)
    assert await repository.find(2) is None


async def test_what_the_executor_said_to_the_trigger_is_kept(repository: RunRepository) -> None:
    await repository.add(build_run(1))
    run = await repository.record_trigger(1, code=500, message="no such handler")
    assert run is not None
    assert (run.trigger_code, run.trigger_message) == (500, "no such handler")
    assert await repository.find(1) == run


async def test_the_trigger_of_an_unknown_run_is_nobody_s(repository: RunRepository) -> None:
    assert await repository.record_trigger(1, code=200, message="") is None


async def test_an_outcome_is_fixed_once(repository: RunRepository) -> None:
    await repository.add(build_run(1))
    assert await repository.record_outcome(Outcome(1, 200, "ok"), at_ms=5)
    assert not await repository.record_outcome(Outcome(1, 500, "late"), at_ms=6)
    run = await repository.find(1)
    assert run is not None
    assert (run.handle_code, run.handle_message, run.finished_at_ms) == (200, "ok", 5)


@pytest.mark.parametrize(("former", "is_replaced"), [(0, True), (500, True), (502, True), (200, False)])
async def test_a_kill_replaces_a_failure_but_no_success(
    repository: RunRepository, former: int, is_replaced: bool
) -> None:
    await repository.add(build_run(1))
    if former:
        await repository.record_outcome(Outcome(1, former), at_ms=5)
    assert await repository.record_outcome(Outcome(1, 500, "killed"), at_ms=6, over_failure=True) is is_replaced


async def test_the_outcome_of_an_unknown_run_is_ignored(repository: RunRepository) -> None:
    assert not await repository.record_outcome(Outcome(404, 200), at_ms=5)


async def test_a_callback_that_overtakes_the_answer_to_its_trigger_is_kept(repository: RunRepository) -> None:
    await repository.add(build_run(1))
    await repository.record_outcome(Outcome(1, 200, "fast"), at_ms=5)
    await repository.record_trigger(1, code=200, message="Running")
    assert await state_of(repository, 1) is ConsoleRunState.SUCCESS


async def test_an_outcome_counts_although_the_trigger_gave_up(repository: RunRepository) -> None:
    await repository.add(build_run(1))
    await repository.record_trigger(1, code=500, message="timed out")
    assert await state_of(repository, 1) is ConsoleRunState.FAILED
    assert await repository.record_outcome(Outcome(1, 200), at_ms=5)
    assert await state_of(repository, 1) is ConsoleRunState.SUCCESS


async def test_long_messages_are_cut_where_xxl_job_cuts_them(repository: RunRepository) -> None:
    await repository.add(build_run(1))
    await repository.record_outcome(Outcome(1, 200, "x" * 20_000), at_ms=5)
    run = await repository.find(1)
    assert run is not None
    assert len(run.handle_message) == 15_000


async def test_the_newest_runs_come_first_of_all_or_of_one_handler(repository: RunRepository) -> None:
    for log_id, handler in ((1, "report"), (2, "clean"), (3, "report")):
        await repository.add(build_run(log_id, handler))
    assert [run.log_id for run in await repository.list_recent(2)] == [3, 2]
    assert [run.log_id for run in await repository.list_recent(9, "report")] == [3, 1]


async def test_the_oldest_runs_make_room(repository: RunRepository) -> None:
    for log_id in (1, 2, 3, 4):
        await repository.add(build_run(log_id))
    assert [run.log_id for run in await repository.list_recent(9)] == [4, 3, 2]
    assert await repository.find(1) is None
