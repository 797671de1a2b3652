"""Scripts and commands through a whole executor, as real processes."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from app.jobs.registry import JobRegistry
from support.executor import ExecutorDesk, open_executor, settings_text, trigger
from support.proc import is_running

pytestmark = pytest.mark.asyncio(loop_scope="module")
EVERYTHING = """
scripts:
  glue_types: [GLUE_SHELL, GLUE_PYTHON, GLUE_NODEJS, GLUE_PHP]
  commands: [echo, /bin/sh, sleep]
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ExecutorDesk]:
    folder = tmp_path_factory.mktemp("scripts")
    async with open_executor(folder, JobRegistry(), extra=EVERYTHING, abandon_seconds=5.0) as opened:
        yield opened


def glue(source: str, kind: str = "GLUE_SHELL", **fields: Any) -> dict[str, Any]:
    return trigger("", glueType=kind, glueSource=source, **fields)


async def run_body(desk: ExecutorDesk, body: dict[str, Any]) -> int:
    assert await desk.post("/run", body) == {"code": 200, "msg": None}
    return int(body["logId"])


async def finish(desk: ExecutorDesk, body: dict[str, Any]) -> tuple[int, str, str]:
    """Code, message and the job log's lines that the script wrote."""
    log_id = await run_body(desk, body)
    callback = await desk.callback_of(log_id, 20)
    return callback["handleCode"], callback["handleMsg"], await script_lines(desk, log_id)


async def script_lines(desk: ExecutorDesk, log_id: int) -> str:
    content = str((await desk.log_page(log_id))["logContent"])
    return "\n".join(
        line.split("[script:output:0] ")[1] for line in content.splitlines() if "[script:output:0]" in line
    )


async def pid_in(desk: ExecutorDesk, log_id: int, count: int = 1) -> list[int]:
    """Process ids that the script has written, one a line."""
    end = time.monotonic() + 20
    while len(lines := (await script_lines(desk, log_id)).split()) < count:
        assert time.monotonic() < end, lines
    return [int(line) for line in lines]


async def is_gone(pid: int, seconds: float = 6.0) -> bool:
    end = time.monotonic() + seconds
    while is_running(pid) and time.monotonic() < end:
        await asyncio.sleep(0.02)
    return not is_running(pid)


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        ("GLUE_SHELL", 'echo "$1 $2 $3"'),
        ("GLUE_SHELL", 'echo "$1 $2 $3"\r\n'),
        ("GLUE_PYTHON", "import sys\nprint(*sys.argv[1:])"),
        ("GLUE_NODEJS", "console.log(process.argv.slice(2).join(' '))"),
    ],
)
async def test_a_script_gets_parameter_shard_and_total(desk: ExecutorDesk, kind: str, source: str) -> None:
    body = glue(source, kind, executorParams="two words", broadcastIndex=1, broadcastTotal=3)
    assert await finish(desk, body) == (200, "", "two words 1 3")


async def test_both_streams_are_lines_of_the_job_log_in_their_order(desk: ExecutorDesk) -> None:
    code, _, lines = await finish(desk, glue("echo one; echo two >&2; printf three"))
    assert (code, lines) == (200, "one\ntwo\nthree")


async def test_another_exit_code_is_a_failure(desk: ExecutorDesk) -> None:
    code, message, lines = await finish(desk, glue("echo before; exit 3"))
    assert (code, message, lines) == (500, "ScriptFailed: script exit value(3) is failed", "before")


async def test_a_missing_interpreter_is_a_clear_failure(desk: ExecutorDesk) -> None:
    code, message, _ = await finish(desk, glue("<?php echo 1;", "GLUE_PHP"))
    assert (code, message) == (500, "NoInterpreter: GLUE_PHP needs php, which is not in PATH here")


async def test_the_environment_holds_the_run_and_nothing_of_the_service(
    desk: ExecutorDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "nobody-may-see")
    body = glue("env")
    _, _, lines = await finish(desk, body)
    found = dict(line.split("=", 1) for line in lines.splitlines() if "=" in line)
    names = set(found) - {"PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "PWD", "SHLVL", "_", "OLDPWD"}
    ours = {"HOME", "TMPDIR", "TRACEPARENT", "X_TRACE_ID"}
    of_run = {"ID", "LOG_ID", "SHARD_INDEX", "SHARD_TOTAL", "ATTEMPT"}
    assert names == ours | {f"XXL_JOB_{name}" for name in of_run}
    assert found["XXL_JOB_LOG_ID"] == str(body["logId"])
    assert found["X_TRACE_ID"] == f"xxl-test-executor-{body['logId']}"


async def test_the_script_lies_in_a_private_folder_that_goes_with_the_run(desk: ExecutorDesk) -> None:
    _, _, lines = await finish(desk, glue('stat -c "%a %n" "$PWD" "$0"'))
    folder, script = (line.split(" ", 1) for line in lines.splitlines())
    assert folder[0] == "700"
    assert script[1].startswith(folder[1])
    assert Path(folder[1]).is_relative_to(desk.runtime.environment.data_dir)
    assert not Path(folder[1]).exists()


async def test_kill_ends_the_script_and_all_that_it_started(desk: ExecutorDesk) -> None:
    log_id = await run_body(desk, glue("sleep 600 & echo $!; echo $$; wait"))
    pids = await pid_in(desk, log_id, 2)
    assert (await desk.post("/kill", {"jobId": 4}))["code"] == 200
    assert (await desk.callback_of(log_id))["handleMsg"].endswith("[job running, killed]")
    assert [await is_gone(pid) for pid in pids] == [True, True]


async def test_a_script_that_ignores_the_request_is_killed(desk: ExecutorDesk) -> None:
    log_id = await run_body(desk, glue("trap '' TERM; echo $$; while true; do sleep 0.1; done"))
    (pid,) = await pid_in(desk, log_id)
    await desk.post("/kill", {"jobId": 4})
    assert await is_gone(pid)


async def test_a_timeout_is_502_and_ends_the_script(desk: ExecutorDesk) -> None:
    log_id = await run_body(desk, glue("echo $$; exec sleep 600", executorTimeout=1))
    (pid,) = await pid_in(desk, log_id)
    callback = await desk.callback_of(log_id)
    assert (callback["handleCode"], callback["handleMsg"]) == (502, "job execute timeout")
    assert await is_gone(pid)


async def test_a_script_that_closes_its_output_and_goes_on_is_waited_for(desk: ExecutorDesk) -> None:
    code, message, lines = await finish(desk, glue("echo last; exec >&- 2>&-; sleep 0.3; exit 4"))
    assert (code, message, lines) == (500, "ScriptFailed: script exit value(4) is failed", "last")


async def test_a_background_process_that_holds_the_output_does_not_hold_the_run(desk: ExecutorDesk) -> None:
    started = time.monotonic()
    code, _, lines = await finish(desk, glue("sleep 600 & echo $!"))
    assert code == 200
    assert time.monotonic() - started < 10
    assert await is_gone(int(lines))


async def test_one_that_has_left_the_group_does_not_hold_the_run_either(desk: ExecutorDesk) -> None:
    code, _, _ = await finish(desk, glue("setsid sleep 3 & echo done"))
    assert code == 200


async def test_output_is_cut_at_the_job_logs_limit_and_the_script_goes_on(desk: ExecutorDesk) -> None:
    await desk.apply(settings_text(desk.console, f"host: 127.0.0.1\nlog_max_mb: 1{EVERYTHING}"))
    try:
        body = glue("head -c 3000000 /dev/zero | tr '\\0' x | fold -w 1000; exit 5")
        log_id = await run_body(desk, body)
        callback = await desk.callback_of(log_id, 30)
    finally:
        await desk.apply(settings_text(desk.console, f"host: 127.0.0.1{EVERYTHING}"))
    assert callback["handleMsg"].startswith("ScriptFailed: script exit value(5) is failed")
    sizes = [path.stat().st_size for path in desk.runtime.environment.xxl_log_path.glob(f"*/{log_id}.log")]
    assert 0 < sum(sizes) < 1_200_000


@pytest.mark.parametrize("param", ["echo two 'words here'", '["echo", "two", "words here"]'])
async def test_a_command_runs_without_a_shell(desk: ExecutorDesk, param: str) -> None:
    assert await finish(desk, trigger("commandJobHandler", executorParams=param)) == (200, "", "two words here")


async def test_nothing_in_a_command_line_is_expanded(desk: ExecutorDesk) -> None:
    code, _, lines = await finish(desk, trigger("commandJobHandler", executorParams="echo $HOME ; id > x"))
    assert (code, lines) == (200, "$HOME ; id > x")


async def test_a_failing_command_says_its_exit_code(desk: ExecutorDesk) -> None:
    code, message, _ = await finish(desk, trigger("commandJobHandler", executorParams='/bin/sh -c "exit 9"'))
    assert (code, message) == (500, "ScriptFailed: command exit value(9) is failed")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (glue("x", "GLUE_POWERSHELL"), "glueType[GLUE_POWERSHELL] is not allowed here: xxl-job.scripts.glue_types"),
        (glue("x", "GLUE_GROOVY"), "glueType[GLUE_GROOVY] is not supported by this executor"),
        (
            trigger("commandJobHandler", executorParams="id"),
            "program [id] is not allowed here: xxl-job.scripts.commands",
        ),
        (trigger("commandJobHandler", executorParams="/tmp/echo"), "program [/tmp/echo] is not allowed here"),
        (trigger("commandJobHandler", executorParams="sh -c id"), "program [sh] is not allowed here"),
        (trigger("commandJobHandler", executorParams=""), "the parameter must name a program"),
        (trigger("commandJobHandler", executorParams="echo 'open"), "the parameter is neither a command line"),
        (
            trigger("httpJobHandler", executorParams=json.dumps({"url": "http://169.254.169.254/latest"})),
            "host [169.254.169.254] is not allowed here: xxl-job.scripts.http_hosts",
        ),
        (trigger("httpJobHandler", executorParams="not json"), "bad parameter"),
    ],
)
async def test_what_the_settings_do_not_name_is_refused_with_the_setting(
    desk: ExecutorDesk, body: dict[str, Any], reason: str
) -> None:
    answer = await desk.post("/run", body)
    assert answer["code"] == 500
    assert answer["msg"].startswith(reason)


async def test_the_list_is_live_also_for_what_waits(desk: ExecutorDesk) -> None:
    first = await run_body(desk, glue("sleep 0.5; echo done", jobId=31))
    second = await run_body(desk, glue("echo never", jobId=31))
    await desk.apply(settings_text(desk.console, "host: 127.0.0.1"))
    try:
        refused = await desk.post("/run", glue("echo never", jobId=32))
        callbacks = [await desk.callback_of(log_id) for log_id in (first, second)]
    finally:
        await desk.apply(settings_text(desk.console, f"host: 127.0.0.1{EVERYTHING}"))
    assert refused["code"] == 500
    assert [callback["handleCode"] for callback in callbacks] == [200, 500]
    assert "is not allowed here" in callbacks[1]["handleMsg"]


async def test_what_a_killed_process_left_is_removed_at_the_first_script(tmp_path: Path) -> None:
    left = tmp_path / "data" / "scripts" / "executor-test-0" / "1-left"
    left.mkdir(parents=True)
    (left / "script.sh").write_text("echo secret")
    async with open_executor(tmp_path, JobRegistry(), extra=EVERYTHING) as desk:
        assert (await finish(desk, glue("true")))[0] == 200
    assert not left.exists()
    assert list(left.parent.iterdir()) == []
