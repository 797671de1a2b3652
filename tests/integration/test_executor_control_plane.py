"""The two planes: registration, a blocked main loop, the console down and up, the drain."""

import asyncio
import threading
import time
from pathlib import Path

import httpx
import pytest

from app.jobs import JobContext
from app.testing.fake_console import FakeConsole, Fault
from support.executor import open_executor, registry_of, settings_text, trigger, until


async def greet(ctx: JobContext) -> str:
    ctx.log.info("greeting")
    return f"hello {ctx.param}"


def greet_plainly(ctx: JobContext) -> str:
    ctx.log.info("greeting from a thread")
    return threading.current_thread().name


async def block(ctx: JobContext) -> str:
    time.sleep(float(ctx.param))
    return "woke up"


async def nap(ctx: JobContext) -> str:
    await asyncio.sleep(float(ctx.param))
    return "rested"


async def test_an_async_job_runs_and_its_result_is_called_back(tmp_path: Path) -> None:
    async with open_executor(tmp_path, registry_of(greet)) as desk:
        assert await desk.outcome_of("greet", executorParams="world") == (200, "hello world")


async def test_a_plain_job_runs_in_a_thread_of_its_own(tmp_path: Path) -> None:
    async with open_executor(tmp_path, registry_of(greet_plainly)) as desk:
        code, message = await desk.outcome_of("greet_plainly")

    assert code == 200
    assert message.startswith("job-greet_plainly-")


async def test_plain_jobs_do_not_wait_for_a_pool(tmp_path: Path) -> None:
    gate = threading.Barrier(60, timeout=10)

    def meet() -> None:
        gate.wait()

    async with open_executor(tmp_path, registry_of(meet)) as desk:
        log_ids = [await desk.run("meet", jobId=number) for number in range(60)]
        codes = {(await desk.callback_of(log_id))["handleCode"] for log_id in log_ids}

    assert codes == {200}


async def test_the_executor_registers_at_once_and_says_goodbye(tmp_path: Path) -> None:
    async with open_executor(tmp_path, registry_of(greet)) as desk:
        registration = {
            "registryGroup": "EXECUTOR",
            "registryKey": "test-executor",
            "registryValue": f"http://127.0.0.1:{desk.plane.port}",
        }
        await until(lambda: desk.console.registrations)

    assert desk.console.registrations == [registration]
    assert desk.console.removals == [registration]
    assert desk.address == registration["registryValue"]


@pytest.mark.parametrize("blocking_call", ["sleep", "compute"])
async def test_a_blocked_main_loop_silences_no_endpoint(tmp_path: Path, blocking_call: str) -> None:
    answers: list[tuple[str, int, float]] = []
    blocked = threading.Event()

    async def hog() -> str:
        end = time.monotonic() + 2
        blocked.set()
        while time.monotonic() < end:
            if blocking_call == "sleep":
                time.sleep(2)
        return "done"

    def ask(port: int, token: str) -> None:
        blocked.wait(5)
        bodies = {
            "/beat": None,
            "/idleBeat": {"jobId": 4},
            "/run": trigger("greet_plainly", jobId=5, logId=5_000_001),
            "/log": {"logId": 5_000_001, "logDateTim": 0, "fromLineNum": 1},
            "/kill": {"jobId": 4},
        }
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            for path, body in bodies.items():
                started = time.monotonic()
                answer = client.post(path, json=body, headers={"XXL-JOB-ACCESS-TOKEN": token})
                answers.append((path, answer.json()["code"], time.monotonic() - started))

    async with open_executor(tmp_path, registry_of(hog, greet_plainly)) as desk:
        asker = threading.Thread(target=ask, args=(desk.plane.port, desk.console.token))
        asker.start()
        log_id = await desk.run("hog")
        assert (await desk.callback_of(log_id))["handleMsg"].endswith("[job running, killed]")
        assert (await desk.callback_of(5_000_001))["handleCode"] == 200
        await asyncio.to_thread(asker.join)

    assert [(path, code) for path, code, _ in answers] == [
        ("/beat", 200), ("/idleBeat", 500), ("/run", 200), ("/log", 200), ("/kill", 200),
    ]  # fmt: skip
    assert max(seconds for _, _, seconds in answers) < 1.5


async def test_a_timeout_is_reported_while_the_main_loop_is_blocked(tmp_path: Path) -> None:
    async with open_executor(tmp_path, registry_of(block)) as desk:
        log_id = await desk.run("block", executorParams="2", executorTimeout=1)
        assert (await desk.callback_of(log_id))["handleCode"] == 502


@pytest.mark.parametrize("fault", sorted(set(Fault) - {Fault.SLOW}))
async def test_no_callback_is_lost_or_changed_while_the_console_fails(tmp_path: Path, fault: Fault) -> None:
    async with open_executor(tmp_path, registry_of(greet)) as desk:
        desk.console.fault = fault
        log_ids = [await desk.run("greet", jobId=number, executorParams=str(number)) for number in range(20)]
        await asyncio.sleep(0.3)
        assert desk.console.callbacks == []
        desk.console.fault = None
        messages = [(await desk.callback_of(log_id))["handleMsg"] for log_id in log_ids]

    assert messages == [f"hello {number}" for number in range(20)]
    assert len(desk.console.callbacks) == 20


async def test_a_console_that_was_down_gets_every_callback_once(tmp_path: Path) -> None:
    async with open_executor(tmp_path, registry_of(greet)) as desk:
        await until(lambda: desk.console.registrations)
        desk.console.stop()
        log_ids = [await desk.run("greet") for _ in range(10)]
        desk.console.start()
        for log_id in log_ids:
            await desk.callback_of(log_id)

    assert sorted(item["logId"] for item in desk.console.callbacks) == log_ids


async def test_an_executor_that_starts_before_its_console_registers_when_it_comes(tmp_path: Path) -> None:
    console = FakeConsole()
    console.start()
    console.stop()
    async with open_executor(tmp_path, registry_of(greet), console=console) as desk:
        console.start()
        await until(lambda: console.registrations)
        assert await desk.outcome_of("greet", executorParams="late") == (200, "hello late")


async def test_a_new_console_address_is_registered_within_a_second_and_the_old_one_left(tmp_path: Path) -> None:
    async with open_executor(tmp_path, registry_of(greet)) as desk:
        await until(lambda: desk.console.registrations)
        with FakeConsole(token="another-token") as other:
            await desk.apply(settings_text(other, "host: 127.0.0.1"))
            started = time.monotonic()
            await until(lambda: other.registrations)
            took = time.monotonic() - started
            await until(lambda: desk.console.removals)
            await desk.post("/run", trigger("greet", logId=808, executorParams="you"), token="another-token")
            assert (await until(lambda: other.callback_of(808)))["handleMsg"] == "hello you"

    assert took < 1.2


async def test_a_new_token_registers_again_without_a_goodbye(tmp_path: Path) -> None:
    async with open_executor(tmp_path, registry_of(greet)) as desk:
        await until(lambda: desk.console.registrations)
        desk.console.token = "rotated-token"
        await desk.apply(settings_text(desk.console, "host: 127.0.0.1"))
        await until(lambda: len(desk.console.registrations) == 2)
        assert desk.console.removals == []


async def test_the_drain_lets_runs_finish_and_delivers_their_callbacks(tmp_path: Path) -> None:
    async with open_executor(tmp_path, registry_of(nap)) as desk:
        log_id = await desk.run("nap", executorParams="0.4")
        desk.plane.request_stop()
        await until(lambda: desk.console.removals)
        refused = [await desk.post("/run", trigger("nap")), await desk.post("/beat")]
        await desk.plane.stopped()
        callback = desk.console.callback_of(log_id)

    assert refused == [{"code": 500, "msg": "executor is shutting down"}] * 2
    assert callback is not None
    assert callback["handleMsg"] == "rested"


async def test_what_is_left_after_the_drain_is_stopped_with_the_reason(tmp_path: Path) -> None:
    async with open_executor(tmp_path, registry_of(nap), extra="drain_seconds: 0.2") as desk:
        log_ids = [await desk.run("nap", executorParams="60") for _ in range(2)]
        desk.plane.request_stop()
        await desk.plane.stopped()
        callbacks = [desk.console.callback_of(log_id) for log_id in log_ids]

    assert [item and (item["handleCode"], item["handleMsg"]) for item in callbacks] == [(500, "executor shutdown")] * 2


async def test_a_second_request_to_stop_waits_for_nobody(tmp_path: Path) -> None:
    async with open_executor(tmp_path, registry_of(nap)) as desk:
        log_id = await desk.run("nap", executorParams="60")
        started = time.monotonic()
        desk.plane.request_stop()
        desk.plane.request_stop()
        await desk.plane.stopped()
        callback = desk.console.callback_of(log_id)

    assert time.monotonic() - started < 3
    assert callback is not None
    assert callback["handleMsg"] == "executor shutdown"


async def test_a_port_that_is_taken_fails_the_start(tmp_path: Path) -> None:
    async with open_executor(tmp_path, registry_of(greet)) as desk:
        with pytest.raises(OSError, match="address already in use"):
            async with open_executor(tmp_path / "second", registry_of(greet), extra=f"port: {desk.plane.port}"):
                pass
