"""Isolated runs through a whole executor: one warm child serves the module, and is replaced when a test breaks it."""

import json
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from app.jobs.printed import prints_copied
from app.jobs.registry import default_registry
from support import isolated_jobs
from support.executor import ExecutorDesk, open_executor, settings_text, until
from support.proc import is_running

pytestmark = pytest.mark.asyncio(loop_scope="module")
PACKAGES = "task_packages: [support.isolated_jobs]"
SHOP = "shop:\n  limit: 3\n  secret: wMk7-quite-secret\n  literal: $${NOT_A_PLACEHOLDER}\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ExecutorDesk]:
    assert isolated_jobs.iso_noop() is None
    folder = tmp_path_factory.mktemp("isolation")
    async with open_executor(folder, default_registry, extra=PACKAGES, abandon_seconds=5.0) as opened:
        await opened.apply(settings_text(opened.console, f"host: 127.0.0.1\n{PACKAGES}") + SHOP)
        yield opened


async def log_of(desk: ExecutorDesk, log_id: int) -> str:
    return str((await desk.log_page(log_id))["logContent"])


async def field_of(desk: ExecutorDesk, log_id: int, name: str) -> int:
    """A number that a run has logged, as soon as it is there."""
    end = time.monotonic() + 20
    while f" {name}=" not in (text := await log_of(desk, log_id)):
        assert time.monotonic() < end, text
    return int(text.split(f" {name}=")[1].split()[0])


async def test_context_and_result_cross_as_plain_data(desk: ExecutorDesk) -> None:
    log_id = await desk.run("iso_where", executorParams="apples", broadcastIndex=1, broadcastTotal=3)
    callback = await desk.callback_of(log_id, 30)
    found = json.loads(callback["handleMsg"])
    assert found.pop("pid") != os.getpid()
    assert found == {"param": "apples", "shard": [1, 3], "trace": f"xxl-test-executor-{log_id}"}


@pytest.mark.parametrize(
    ("handler", "param", "message"),
    [
        ("iso_async", "", "async 1"),
        ("iso_sum", '{"numbers": [1, 2, 39]}', "42"),
        ("iso_database", "", "42"),
        ("iso_pyxxl", "given", "given"),
        ("iso_second_try", "", "attempt 2"),
    ],
)
async def test_what_works_in_process_works_in_the_child(
    desk: ExecutorDesk, handler: str, param: str, message: str
) -> None:
    assert await desk.outcome_of(handler, executorParams=param) == (200, message)


async def test_the_child_stays_warm_from_run_to_run(desk: ExecutorDesk) -> None:
    pids = [json.loads((await desk.outcome_of("iso_where"))[1])["pid"] for _ in range(3)]
    assert len(set(pids)) == 1


async def test_everything_written_in_the_child_is_in_the_job_log_once_and_in_order(desk: ExecutorDesk) -> None:
    with prints_copied():  # pytest has put streams of its own in place since the executor was opened
        log_id = await desk.run("iso_talk")
        assert (await desk.callback_of(log_id))["handleCode"] == 200
    text = await log_of(desk, log_id)
    told = ["by ctx.log", "by loguru", "by logging", "by print", "to stderr", "UserWarning: by warnings", "by a thread"]
    assert [text.count(phrase) for phrase in [*told, "past python", "by a process"]] == [1] * 9
    places = [text.index(phrase) for phrase in told]
    assert places == sorted(places)
    assert all(f"[xxl-test-executor-{log_id}]" in line for line in text.splitlines() if line.startswith("["))
    assert "[support.isolated_jobs:iso_talk:" in text
    assert " count=3" in text


async def test_thousands_of_lines_arrive_complete_and_in_order(desk: ExecutorDesk) -> None:
    log_id = await desk.run("iso_many_lines", executorParams="3000")
    assert (await desk.callback_of(log_id, 30))["handleCode"] == 200
    numbers = [
        int(line.split(" number=")[1]) for line in (await log_of(desk, log_id)).splitlines() if "number=" in line
    ]
    assert numbers == list(range(3000))


async def test_an_exception_crosses_as_type_message_and_traceback(desk: ExecutorDesk) -> None:
    log_id = await desk.run("iso_raise")
    callback = await desk.callback_of(log_id)
    assert (callback["handleCode"], callback["handleMsg"]) == (500, "Trouble: no more apples")
    assert 'raise Trouble("no more apples")' in await log_of(desk, log_id)
    alert = await until(lambda: [one for one in desk.alerts.raised if one.labels.get("handler") == "iso_raise"])
    assert alert[0].dedup_key == "job:iso_raise:Trouble"
    assert isinstance(alert[0].exception, isolated_jobs.Trouble)


async def test_a_caught_exception_is_logged_with_its_traceback(desk: ExecutorDesk) -> None:
    log_id = await desk.run("iso_logged_error")
    assert (await desk.callback_of(log_id))["handleCode"] == 200
    text = await log_of(desk, log_id)
    assert "went wrong" in text
    assert "Trouble: no more apples" in text


async def test_alerts_of_the_child_are_raised_by_the_executor(desk: ExecutorDesk) -> None:
    log_id = await desk.run("iso_alert")
    assert (await desk.callback_of(log_id))["handleCode"] == 200
    alert = next(one for one in desk.alerts.raised if one.name == "low_stock")
    assert (alert.summary, alert.labels, alert.trace_id) == (
        "apples are low",
        {"shop": "a"},
        f"xxl-test-executor-{log_id}",
    )


@pytest.mark.parametrize(
    ("handler", "message"),
    [
        ("iso_exit", "WorkerDied: the child process ended with exit code 3"),
        ("iso_system_exit", "SystemExit: 5"),
        ("iso_segfault", "WorkerDied: the child process ended by signal 11 (SIGSEGV)"),
        ("iso_sigkill", "WorkerDied: the child process ended by signal 9 (SIGKILL): perhaps for want of memory"),
        ("iso_memory", "MemoryError: the run needed more than memory_mb=64"),
        ("iso_cpu", "WorkerDied: the run took more than cpu_seconds=1 of processor time"),
        ("iso_leaves_child", "WorkerDied: the child process ended with exit code 4"),
    ],
)
async def test_what_would_end_the_process_ends_that_run_only(desk: ExecutorDesk, handler: str, message: str) -> None:
    callback = await desk.callback_of(await desk.run(handler), 30)
    assert (callback["handleCode"], callback["handleMsg"]) == (500, message)
    assert (await desk.callback_of(await desk.run("iso_noop"), 30))["handleCode"] == 200


async def test_a_crash_tells_its_stack_in_the_job_log(desk: ExecutorDesk) -> None:
    with prints_copied():
        log_id = await desk.run("iso_segfault")
        assert (await desk.callback_of(log_id, 30))["handleCode"] == 500
    text = await log_of(desk, log_id)
    assert "Segmentation fault" in text
    assert "in iso_segfault" in text


@pytest.mark.parametrize("handler", ["iso_deaf", "iso_wedged"])
async def test_a_run_that_listens_to_nobody_is_killed_with_what_it_started(desk: ExecutorDesk, handler: str) -> None:
    log_id = await desk.run(handler)
    own = await field_of(desk, log_id, "own")
    others = [await field_of(desk, log_id, "started")] if handler == "iso_deaf" else []
    assert (await desk.post("/kill", {"jobId": 4}))["code"] == 200
    assert (await desk.callback_of(log_id))["handleMsg"].endswith("[job running, killed]")
    await until(lambda: not any(is_running(pid) for pid in [own, *others]), 5)
    assert (await desk.callback_of(await desk.run("iso_noop"), 30))["handleCode"] == 200


async def test_a_timeout_is_hard(desk: ExecutorDesk) -> None:
    log_id = await desk.run("iso_wedged", executorTimeout=1)
    own = await field_of(desk, log_id, "own")
    callback = await desk.callback_of(log_id)
    assert (callback["handleCode"], callback["handleMsg"]) == (502, "job execute timeout")
    await until(lambda: not is_running(own), 5)


@pytest.mark.parametrize(
    ("handler", "begun", "last_word"),
    [("iso_polite", "polite", "asked to stop"), ("iso_cancelled", "asleep", "cancelled")],
)
async def test_a_run_that_stops_when_asked_leaves_the_child_warm(
    desk: ExecutorDesk, handler: str, begun: str, last_word: str
) -> None:
    warm = json.loads((await desk.callback_of(await desk.run("iso_where"), 30))["handleMsg"])["pid"]
    log_id = await desk.run(handler)
    while f"] {begun} " not in await log_of(desk, log_id):
        assert is_running(warm)
    assert (await desk.post("/kill", {"jobId": 4}))["code"] == 200
    assert (await desk.callback_of(log_id))["handleCode"] == 500
    assert json.loads((await desk.outcome_of("iso_where"))[1])["pid"] == warm
    assert last_word in await log_of(desk, log_id)


async def test_the_snapshot_comes_with_the_run_and_changes_with_the_next(desk: ExecutorDesk) -> None:
    base = settings_text(desk.console, f"host: 127.0.0.1\n{PACKAGES}")
    before = json.loads((await desk.outcome_of("iso_settings"))[1])
    parent = desk.runtime.settings.state.snapshot
    assert before == [3, "wMk7-quite-secret", "${NOT_A_PLACEHOLDER}", parent.revision, parent.md5]
    await desk.apply(base + SHOP.replace("limit: 3", "limit: 4"))
    try:
        after = json.loads((await desk.outcome_of("iso_settings"))[1])
    finally:
        await desk.apply(base + SHOP)
    assert (after[0], after[3]) == (4, parent.revision + 1)


async def test_a_live_run_sees_a_change_while_it_runs(desk: ExecutorDesk) -> None:
    base = settings_text(desk.console, f"host: 127.0.0.1\n{PACKAGES}")
    log_id = await desk.run("iso_live")
    while "first read" not in await log_of(desk, log_id):
        assert desk.console.callback_of(log_id) is None
    await desk.apply(base + SHOP.replace("limit: 3", "limit: 5"))
    try:
        assert (await desk.callback_of(log_id))["handleMsg"] == "3 then 5"
    finally:
        await desk.apply(base + SHOP)


async def test_no_secret_is_in_the_childs_arguments_or_environment(desk: ExecutorDesk) -> None:
    pid = json.loads((await desk.outcome_of("iso_where"))[1])["pid"]
    place = Path(f"/proc/{pid}")
    assert b"quite-secret" not in (place / "cmdline").read_bytes() + (place / "environ").read_bytes()


async def test_the_timeout_of_a_run_that_waits_for_the_child_counts_from_its_start(desk: ExecutorDesk) -> None:
    first = await desk.run("iso_polite", jobId=101, executorTimeout=2)
    second = await desk.run("iso_noop", jobId=102, executorTimeout=1)
    assert (await desk.callback_of(second))["handleCode"] == 200
    assert (await desk.callback_of(first))["handleCode"] == 502


async def test_a_run_killed_while_it_waits_never_begins(desk: ExecutorDesk) -> None:
    first = await desk.run("iso_polite", jobId=103)
    second = await desk.run("iso_talk", jobId=104)
    await desk.post("/kill", {"jobId": 104})
    assert (await desk.callback_of(second))["handleCode"] == 500
    await desk.post("/kill", {"jobId": 103})
    await desk.callback_of(first)
    assert (await desk.outcome_of("iso_noop", jobId=104))[0] == 200
    assert "by print" not in await log_of(desk, second)


async def test_the_pool_grows_when_the_settings_say_so(desk: ExecutorDesk) -> None:
    base = settings_text(desk.console, f"host: 127.0.0.1\n{PACKAGES}")
    await desk.apply(settings_text(desk.console, f"host: 127.0.0.1\n{PACKAGES}\nisolation_workers: 2") + SHOP)
    try:
        both = [await desk.run("iso_polite", jobId=job_id) for job_id in (105, 106)]
        pids = {await field_of(desk, log_id, "own") for log_id in both}
    finally:
        await desk.apply(base + SHOP)
        for job_id in (105, 106):
            await desk.post("/kill", {"jobId": job_id})
    assert len(pids) == 2
    await until(lambda: sum(map(is_running, pids)) == 1)


async def test_a_job_that_the_child_cannot_find_fails_with_the_reason(desk: ExecutorDesk) -> None:
    definition = default_registry.get("iso_noop")
    default_registry._definitions["iso_elsewhere"] = definition
    try:
        code, message = await desk.outcome_of("iso_elsewhere")
    finally:
        del default_registry._definitions["iso_elsewhere"]
    assert (code, message.partition(":")[0]) == (500, "NotFoundError")


async def test_children_end_with_the_executor(tmp_path: Path) -> None:
    async with open_executor(tmp_path, default_registry, extra=PACKAGES) as desk:
        pid = json.loads((await desk.callback_of(await desk.run("iso_where"), 30))["handleMsg"])["pid"]
        assert is_running(pid)
    assert not is_running(pid)


async def test_a_child_that_cannot_start_fails_the_run_with_the_reason(tmp_path: Path) -> None:
    async with open_executor(tmp_path, default_registry, extra="task_packages: [support.no_such_module]") as desk:
        code, message = await desk.outcome_of("iso_noop")
    assert code == 500
    assert message.startswith("NoWorker: the child process can't start: job module support.no_such_module")


async def test_a_child_killed_from_outside_while_idle_is_replaced(desk: ExecutorDesk) -> None:
    pid = json.loads((await desk.outcome_of("iso_where"))[1])["pid"]
    os.kill(pid, signal.SIGKILL)
    later = json.loads((await desk.callback_of(await desk.run("iso_where"), 30))["handleMsg"])["pid"]
    assert later != pid
