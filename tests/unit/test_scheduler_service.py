"""Triggering, failing over, sharding, callbacks, logs and kills of the embedded console."""

import pytest

from app.common.errors import ConflictError, NotFoundError, UpstreamError
from app.scheduler.models import ConsoleRun, ConsoleRunState, LogPage, Outcome, RunOrder
from app.scheduler.service import NoExecutor
from support.scheduler import ConsoleParts

REPORT = RunOrder("report", param="2026")


@pytest.fixture
def parts() -> ConsoleParts:
    return ConsoleParts()


async def running(parts: ConsoleParts) -> ConsoleRun:
    return await parts.service.trigger(REPORT)


def answer_log(parts: ConsoleParts, content: str, to_line: int) -> None:
    parts.executors.answers["log"] = {"code": 200, "data": {"toLineNum": to_line, "logContent": content}}


async def test_a_trigger_makes_a_run_that_can_be_found_by_log_id_and_trace(parts: ConsoleParts) -> None:
    run = await parts.service.trigger(REPORT)
    assert run == await parts.service.get_run(run.log_id)
    assert run.log_id == 1_795_359_934_946
    assert run.trace_id == "xxl-demo-executor-1795359934946"
    assert run.job_id == parts.service.job_id("report")
    assert run.state is ConsoleRunState.RUNNING


async def test_the_first_executor_that_answers_a_beat_gets_the_run(parts: ConsoleParts) -> None:
    run = await parts.service.trigger(REPORT)
    assert run.address == "http://a"
    assert [(host, action) for host, action, _ in parts.executors.seen] == [("a", "beat"), ("a", "run")]


async def test_a_dead_executor_is_passed_over(parts: ConsoleParts) -> None:
    parts.executors.alive = {"b"}
    run = await parts.service.trigger(REPORT)
    assert (run.address, run.state) == ("http://b", ConsoleRunState.RUNNING)


async def test_a_trigger_that_reaches_nobody_is_a_failed_run_that_says_why(parts: ConsoleParts) -> None:
    parts.executors.alive = set()
    run = await parts.service.trigger(REPORT)
    assert (run.address, run.trigger_code, run.state) == ("", 500, ConsoleRunState.FAILED)
    assert run.trigger_message == (
        "xxl-job remoting error(Connection refused), for url : http://a/beat\n"
        "xxl-job remoting error(Connection refused), for url : http://b/beat"
    )


async def test_a_trigger_that_is_refused_is_a_failed_run_that_says_why(parts: ConsoleParts) -> None:
    parts.executors.answers["run"] = {"code": 500, "msg": "job handler [report] not found."}
    run = await parts.service.trigger(REPORT)
    assert (run.state, run.trigger_message) == (ConsoleRunState.FAILED, "job handler [report] not found.")


async def test_without_a_registered_executor_no_run_is_made(parts: ConsoleParts) -> None:
    with pytest.raises(NoExecutor, match="make run"):
        await parts.service.trigger(RunOrder("report", app_name="other-executor"))
    assert await parts.service.list_runs(10) == []


async def test_an_executor_that_left_gets_no_run(parts: ConsoleParts) -> None:
    parts.service.unregister("demo-executor", "http://a")
    assert (await parts.service.trigger(REPORT)).address == "http://b"


async def test_a_broadcast_gives_every_executor_its_shard(parts: ConsoleParts) -> None:
    runs = await parts.service.broadcast(REPORT)
    assert [(run.address, run.order.shard_index, run.order.shard_total) for run in runs] == [
        ("http://a", 0, 2),
        ("http://b", 1, 2),
    ]
    sent = {body["broadcastIndex"]: body["broadcastTotal"] for body in parts.executors.bodies("run")}
    assert sent == {0: 2, 1: 2}
    assert len({run.log_id for run in runs}) == 2


async def test_a_shard_whose_executor_is_dead_fails_alone(parts: ConsoleParts) -> None:
    parts.executors.alive = {"b"}
    runs = await parts.service.broadcast(REPORT)
    assert [run.state for run in runs] == [ConsoleRunState.FAILED, ConsoleRunState.RUNNING]


async def test_a_callback_fixes_the_outcome_and_the_time(parts: ConsoleParts) -> None:
    run = await running(parts)
    parts.clock.now += 2
    await parts.service.complete([Outcome(run.log_id, 200, "3 rows")])
    run = await parts.service.get_run(run.log_id)
    assert (run.state, run.handle_message) == (ConsoleRunState.SUCCESS, "3 rows")
    assert run.finished_at_ms == run.triggered_at_ms + 2000


async def test_repeated_and_unknown_callbacks_change_nothing(parts: ConsoleParts) -> None:
    run = await running(parts)
    await parts.service.complete([Outcome(run.log_id, 200, "ok")])
    await parts.service.complete([Outcome(404, 200), Outcome(run.log_id, 500, "again")])
    assert (await parts.service.get_run(run.log_id)).handle_message == "ok"
    assert len(await parts.service.list_runs(10)) == 1


async def test_a_kill_reaches_the_executor_and_fails_the_run_at_once(parts: ConsoleParts) -> None:
    run = await running(parts)
    killed = await parts.service.kill(run.log_id)
    assert parts.executors.bodies("kill") == [{"jobId": run.job_id}]
    assert (killed.state, killed.handle_code) == (ConsoleRunState.FAILED, 500)
    assert killed.handle_message == "Manual operation, kill job:"


async def test_what_a_killed_run_calls_back_is_ignored(parts: ConsoleParts) -> None:
    run = await running(parts)
    killed = await parts.service.kill(run.log_id)
    await parts.service.complete([Outcome(run.log_id, 200, "finished after all")])
    assert await parts.service.get_run(run.log_id) == killed


@pytest.mark.parametrize(
    ("code", "message", "state"),
    [(500, "Manual operation, kill job:", ConsoleRunState.FAILED), (200, "just made it", ConsoleRunState.SUCCESS)],
)
async def test_of_what_is_called_back_during_a_kill_only_a_success_stands(
    parts: ConsoleParts, code: int, message: str, state: ConsoleRunState
) -> None:
    run = await running(parts)

    async def call_back_before_answering() -> None:
        await parts.service.complete([Outcome(run.log_id, code, "just made it")])

    parts.executors.before_answer["kill"] = call_back_before_answering
    killed = await parts.service.kill(run.log_id)
    assert (killed.state, killed.handle_message) == (state, message)


async def test_a_kill_that_the_executor_refuses_leaves_the_run_running(parts: ConsoleParts) -> None:
    run = await running(parts)
    parts.executors.answers["kill"] = {"code": 500, "msg": "busy"}
    with pytest.raises(UpstreamError, match="busy"):
        await parts.service.kill(run.log_id)
    assert (await parts.service.get_run(run.log_id)).state is ConsoleRunState.RUNNING


async def test_a_run_that_is_over_can_t_be_killed(parts: ConsoleParts) -> None:
    run = await running(parts)
    await parts.service.complete([Outcome(run.log_id, 200)])
    with pytest.raises(ConflictError, match="success"):
        await parts.service.kill(run.log_id)


async def test_a_run_that_never_started_can_t_be_killed(parts: ConsoleParts) -> None:
    parts.executors.alive = set()
    run = await running(parts)
    with pytest.raises(ConflictError, match="failed"):
        await parts.service.kill(run.log_id)


async def test_an_unknown_run_is_not_found(parts: ConsoleParts) -> None:
    with pytest.raises(NotFoundError, match="there is no run 404"):
        await parts.service.read_log(404, 1)


async def test_a_page_of_the_log_says_where_the_next_one_begins(parts: ConsoleParts) -> None:
    run = await running(parts)
    answer_log(parts, "five\nsix\n", to_line=6)
    assert await parts.service.read_log(run.log_id, 5) == LogPage(5, 6, "five\nsix\n", is_end=False)


@pytest.mark.parametrize("claimed", [0, 5], ids=["java", "pyxxl"])
async def test_an_empty_page_never_moves_on_whatever_the_executor_claims(parts: ConsoleParts, claimed: int) -> None:
    run = await running(parts)
    answer_log(parts, "", to_line=claimed)
    assert await parts.service.read_log(run.log_id, 5) == LogPage(5, 4, "", is_end=False)


async def test_a_line_that_is_still_being_written_is_left_for_the_next_page(parts: ConsoleParts) -> None:
    run = await running(parts)
    answer_log(parts, "one\ntw", to_line=2)
    assert await parts.service.read_log(run.log_id, 1) == LogPage(1, 1, "one\n", is_end=False)


async def test_the_log_ends_with_an_empty_page_after_the_run(parts: ConsoleParts) -> None:
    run = await running(parts)
    await parts.service.complete([Outcome(run.log_id, 200)])
    answer_log(parts, "last words", to_line=1)
    assert await parts.service.read_log(run.log_id, 1) == LogPage(1, 1, "last words", is_end=False)
    answer_log(parts, "", to_line=2)
    assert await parts.service.read_log(run.log_id, 2) == LogPage(2, 1, "", is_end=True)


async def test_a_run_that_never_started_has_an_empty_log_and_nobody_is_asked(parts: ConsoleParts) -> None:
    parts.executors.answers["run"] = {"code": 500, "msg": "job handler [report] not found."}
    run = await running(parts)
    assert await parts.service.read_log(run.log_id, 1) == LogPage(1, 0, "", is_end=True)
    assert parts.executors.bodies("log") == []


@pytest.mark.parametrize("answer", [{"code": 500, "msg": "no disk"}, {"code": 200, "data": "text"}])
async def test_a_log_that_can_t_be_had_is_the_executor_s_failure(parts: ConsoleParts, answer: object) -> None:
    run = await running(parts)
    parts.executors.answers["log"] = answer
    with pytest.raises(UpstreamError):
        await parts.service.read_log(run.log_id, 1)


async def test_a_remark_after_the_page_s_last_line_is_no_line_of_the_log(parts: ConsoleParts) -> None:
    run = await running(parts)
    await parts.service.complete([Outcome(run.log_id, 200)])
    answer_log(parts, "one\ntwo\n... 90 more lines: look there\n", to_line=2)
    assert await parts.service.read_log(run.log_id, 1) == LogPage(1, 2, "one\ntwo\n", is_end=False)
