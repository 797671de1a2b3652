"""The job log as the console reads it: every line once, whatever happens to the folder."""

import asyncio
import shutil
import threading
from pathlib import Path

from app.jobs import JobContext
from support.executor import TRIGGERED_AT, ExecutorDesk, open_executor, registry_of, settings_text, until


async def chat(ctx: JobContext) -> None:
    for number in range(int(ctx.param)):
        ctx.log.bind(number=number).info("line")


def log_file(tmp_path: Path, log_id: int) -> Path:
    [found] = (tmp_path / "xxl_log").glob(f"*/{log_id}.log")
    return found


async def watched_by_the_console(desk: ExecutorDesk, log_id: int) -> list[str]:
    """What the page of a running run shows: polls on from `to + 1`, until the end is said or nothing more comes."""
    shown: list[str] = []
    from_line = 1
    while True:
        page = await desk.log_page(log_id, from_line)
        assert page["fromLineNum"] == from_line
        assert page["toLineNum"] == from_line - 1 + page["logContent"].count("\n")
        shown += page["logContent"].splitlines()
        from_line = page["toLineNum"] + 1
        if page["isEnd"]:
            return shown
        await asyncio.sleep(0.01)


async def test_a_running_runs_lines_are_each_shown_once(tmp_path: Path) -> None:
    async def slowly(ctx: JobContext) -> None:
        for number in range(10):
            ctx.log.bind(step=number).info("one step")
            await asyncio.sleep(0.03)

    async with open_executor(tmp_path, registry_of(slowly)) as desk:
        shown = await watched_by_the_console(desk, await desk.run("slowly"))

    assert [line.rsplit("step=")[-1] for line in shown[1:-1]] == [str(number) for number in range(10)]


async def test_an_empty_page_leaves_the_cursor_where_it_is(tmp_path: Path) -> None:
    release = asyncio.Event()

    async def wait() -> None:
        await release.wait()

    async with open_executor(tmp_path, registry_of(wait)) as desk:
        log_id = await desk.run("wait")
        await until(lambda: list((tmp_path / "xxl_log").glob("*/*.log")))
        running = await desk.log_page(log_id, 2)
        queued = await desk.log_page(await desk.run("wait"))
        release.set()
        await desk.callback_of(log_id)
        finished = await desk.log_page(log_id, 99)

    assert running == {"fromLineNum": 2, "toLineNum": 1, "logContent": "", "isEnd": False}
    assert queued == {"fromLineNum": 1, "toLineNum": 0, "logContent": "", "isEnd": False}
    assert finished == {"fromLineNum": 99, "toLineNum": 98, "logContent": "", "isEnd": True}


async def test_the_first_page_of_a_finished_run_holds_all_of_its_20000_lines(tmp_path: Path) -> None:
    def chat_in_a_thread(ctx: JobContext) -> None:
        for number in range(20_000):
            ctx.log.bind(number=number).info("line")

    async with open_executor(tmp_path, registry_of(chat_in_a_thread)) as desk:
        log_id = await desk.run("chat_in_a_thread")
        await desk.callback_of(log_id, seconds=60)
        headers = {"XXL-JOB-ACCESS-TOKEN": desk.console.token, "User-Agent": "Java/17.0.15"}
        query = {"logId": log_id, "logDateTim": TRIGGERED_AT, "fromLineNum": 1}
        page = (await desk.http.post("/log", json=query, headers=headers)).json()["data"]
        last = await desk.log_page(log_id, 20_001)

    assert (page["toLineNum"], page["isEnd"]) == (20_002, True)
    assert page["logContent"].count("\n") == 20_002
    assert (last["fromLineNum"], last["toLineNum"], last["isEnd"]) == (20_001, 20_002, True)


async def test_a_folder_deleted_during_the_run_is_made_again(tmp_path: Path) -> None:
    removed = threading.Event()

    def write(ctx: JobContext) -> str:
        ctx.log.info("before")
        removed.wait(5)
        ctx.log.info("after")
        return "done"

    async with open_executor(tmp_path, registry_of(write)) as desk:
        log_id = await desk.run("write")
        await until(lambda: any("before" in path.read_text() for path in (tmp_path / "xxl_log").glob("*/*.log")))
        shutil.rmtree(tmp_path / "xxl_log")
        removed.set()
        assert (await desk.callback_of(log_id))["handleCode"] == 200
        page = await desk.log_page(log_id)

    assert "after" in page["logContent"]
    assert page["isEnd"]


async def test_without_a_writable_folder_the_run_runs_and_is_called_back(tmp_path: Path) -> None:
    (tmp_path / "xxl_log").write_text("a file where the folder should be")
    async with open_executor(tmp_path, registry_of(chat)) as desk:
        log_id = await desk.run("chat", executorParams="3")
        callback = await desk.callback_of(log_id)
        page = await desk.log_page(log_id)

    assert callback["handleCode"] == 200
    assert "job log not written: not a directory" in callback["handleMsg"]
    assert page["logContent"] == f"there is no log of run {log_id} on this executor\n"
    assert (page["toLineNum"], page["isEnd"]) == (1, True)


async def test_a_run_that_was_never_here_has_one_line_that_says_so(tmp_path: Path) -> None:
    async with open_executor(tmp_path, registry_of(chat)) as desk:
        shown = await watched_by_the_console(desk, 424242)

    assert shown == ["there is no log of run 424242 on this executor"]


async def test_a_run_killed_in_the_queue_says_so_in_its_log(tmp_path: Path) -> None:
    async def wait() -> None:
        await asyncio.sleep(30)

    async with open_executor(tmp_path, registry_of(wait)) as desk:
        await desk.run("wait")
        queued = await desk.run("wait")
        await desk.post("/kill", {"jobId": 4})
        await desk.callback_of(queued)
        page = await desk.log_page(queued)

    assert "job not executed, in the job queue, killed" in page["logContent"]
    assert page["isEnd"]


async def test_the_log_stands_in_the_folder_of_the_triggers_day(tmp_path: Path) -> None:
    async with open_executor(tmp_path, registry_of(chat)) as desk:
        log_id = await desk.run("chat", executorParams="1", logDateTime=1_735_689_600_000 + 43_200_000)
        await desk.callback_of(log_id)

    assert log_file(tmp_path, log_id).parent.name == "2025-01-01"


async def test_two_runs_of_a_log_id_on_one_day_are_shown_apart(tmp_path: Path) -> None:
    async with open_executor(tmp_path, registry_of(chat)) as desk:
        first = await desk.run("chat", executorParams="1")
        await desk.callback_of(first)
        await desk.run("chat", logId=first, logDateTime=TRIGGERED_AT + 60_000, executorParams="2")
        await until(lambda: sum("finished" in path.read_text() for path in (tmp_path / "xxl_log").glob("*/*.log")) == 2)
        pages = [
            (await desk.post("/log", {"logId": first, "logDateTim": time, "fromLineNum": 1}))["data"]["logContent"]
            for time in (TRIGGERED_AT, TRIGGERED_AT + 60_000)
        ]

    assert [text.count("] line ") for text in pages] == [1, 2]


async def test_the_days_of_job_logs_follow_the_zone_of_the_settings_live(tmp_path: Path) -> None:
    late = 1_735_689_600_000 + 20 * 3_600_000
    async with open_executor(tmp_path, registry_of(chat), extra="timezone: Asia/Shanghai") as desk:
        first = await desk.run("chat", executorParams="1", logDateTime=late)
        await desk.callback_of(first)
        await desk.apply(settings_text(desk.console, "host: 127.0.0.1\ntimezone: UTC"))
        second = await desk.run("chat", executorParams="1", logDateTime=late)
        await desk.callback_of(second)

    assert log_file(tmp_path, first).parent.name == "2025-01-02"
    assert log_file(tmp_path, second).parent.name == "2025-01-01"
