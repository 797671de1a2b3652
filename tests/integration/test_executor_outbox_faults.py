"""What the console does wrong while runs end, and what arrives nevertheless: every outcome, unchanged."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from app.jobs.ledger.memory import MemoryRunLedger
from app.jobs.ledger.sqlite import SqliteRunLedger
from app.jobs.record import RunOutcome, RunState
from app.testing.fake_console import ConsoleDialect, FakeConsole, Fault
from app.xxl_job.executor.backoff import Backoff
from app.xxl_job.executor.console_client import ConsoleClient
from app.xxl_job.executor.outbox import CallbackOutbox
from app.xxl_job.executor.unreported import Unreported
from support.configurations import configuration_of, until
from support.jobs_support import build_record
from support.outbox import finish

RUNS = 60


@dataclass
class Desk:
    """A ledger, an outbox, and a client with short timeouts."""

    ledger: MemoryRunLedger
    outbox: CallbackOutbox
    console: FakeConsole

    def finish(self, *log_ids: int) -> None:
        for log_id in log_ids:
            self.outbox.add(finish(self.ledger, log_id, message_of(log_id)))


def message_of(log_id: int) -> str:
    return f"结果 {log_id}"


@pytest.fixture
def console() -> Iterator[FakeConsole]:
    with FakeConsole() as opened:
        yield opened


@asynccontextmanager
async def sending(
    console: FakeConsole, ledger: MemoryRunLedger | None = None, *, timeout_seconds: float = 0.3, **fields: Any
) -> AsyncIterator[Desk]:
    ledger = ledger or MemoryRunLedger()
    configuration = configuration_of(console, **fields)
    async with ConsoleClient(timeout_seconds) as client:
        outbox = CallbackOutbox(
            Unreported(ledger),
            lambda batch: client.callback(configuration, batch),
            backoffs=lambda: Backoff(0.01, 0.05),
        )
        async with asyncio.TaskGroup() as group:
            task = group.create_task(outbox.run())
            yield Desk(ledger, outbox, console)
            task.cancel()


def assert_each_arrived_unchanged(console: FakeConsole, log_ids: range, *, most: int = 1) -> None:
    """At least once, at most `most` times, and identical each time it was sent at all."""
    for log_id in log_ids:
        arrived = [json.dumps(item) for item in console.callbacks if item["logId"] == log_id]
        assert 1 <= len(arrived) <= most, f"log id {log_id} arrived {len(arrived)} times"
        assert console.outcome_of(log_id) == (200, message_of(log_id))
    sent: dict[int, set[str]] = {}
    for name, body in console.requests:
        for item in body if name == "callback" else ():
            sent.setdefault(item["logId"], set()).add(json.dumps(item))
    assert {len(texts) for texts in sent.values()} == {1}


@pytest.mark.parametrize("fault", list(Fault))
async def test_runs_that_end_while_the_console_fails_are_told_when_it_recovers(
    console: FakeConsole, fault: Fault
) -> None:
    console.fault = fault
    console.faults.slow_seconds = 1
    async with sending(console) as desk:
        for log_id in range(1, RUNS + 1):
            desk.finish(log_id)
            await asyncio.sleep(0.005)
        console.fault = None
        assert await desk.outbox.flush(10) == 0
    # what a slow console took before it answered is sent again
    assert_each_arrived_unchanged(console, range(1, RUNS + 1), most=RUNS if fault is Fault.SLOW else 1)
    assert desk.ledger.list_unreported(1) == []


async def test_runs_that_end_while_the_console_is_down_are_told_when_it_is_back(console: FakeConsole) -> None:
    console.stop()
    async with sending(console) as desk:
        desk.finish(*range(1, RUNS + 1))
        await asyncio.sleep(0.2)
        console.start()
        assert await desk.outbox.flush(10) == 0
    assert_each_arrived_unchanged(console, range(1, RUNS + 1))


async def test_a_console_that_fails_again_and_again_still_learns_everything_once(console: FakeConsole) -> None:
    faults = [Fault.HTTP_500, None, Fault.DROP, Fault.REFUSE, None, Fault.GARBAGE, Fault.REDIRECT, Fault.HANG] * 4
    console.script(*faults)
    async with sending(console) as desk:
        for log_id in range(1, RUNS + 1):
            desk.finish(log_id)
            await asyncio.sleep(0.01)
        assert await desk.outbox.flush(20) == 0
    assert_each_arrived_unchanged(console, range(1, RUNS + 1))


@pytest.mark.parametrize("dialect", [ConsoleDialect.V2_2, ConsoleDialect.V3_3, ConsoleDialect.V3_5])
async def test_poisoned_callbacks_delay_nobody_else_and_arrive_when_they_may(
    console: FakeConsole, dialect: ConsoleDialect
) -> None:
    console.dialect = dialect
    console.poison = {7, 8, 31}
    async with sending(console) as desk:
        desk.finish(*range(1, RUNS + 1))
        await until(lambda: len(console.callbacks) == RUNS - 3)
        await until(lambda: [one.log_id for one in desk.ledger.list_unreported(10)] == [7, 8, 31])
        console.poison = set()
        assert await desk.outbox.flush(10) == 0
    assert sorted(item["logId"] for item in console.callbacks) == list(range(1, RUNS + 1))


async def test_outcomes_of_a_former_process_are_told_in_the_dialect_that_is_found(console: FakeConsole) -> None:
    console.dialect = ConsoleDialect.V3_5
    ledger = MemoryRunLedger()
    for log_id in range(1, RUNS + 1):
        finish(ledger, log_id, message_of(log_id))
    async with sending(console, ledger) as desk:
        assert await desk.outbox.flush(10) == 0
    assert {log_id: console.outcome_of(log_id) for log_id in range(1, RUNS + 1)} == {
        log_id: (200, message_of(log_id)) for log_id in range(1, RUNS + 1)
    }
    assert len(console.requests) == 2


async def test_when_one_address_dies_the_other_gets_everything_at_once(console: FakeConsole) -> None:
    with FakeConsole() as other:
        async with sending(console, console_urls=(console.url, other.url)) as desk:
            desk.finish(1)
            await until(lambda: console.callbacks)
            console.fault = Fault.HANG
            desk.finish(2)
            await until(lambda: other.callbacks)
            begun = time.monotonic()
            desk.finish(3)
            await until(lambda: len(other.callbacks) == 2)
            assert time.monotonic() - begun < 0.3
    assert [item["logId"] for item in (*console.callbacks, *other.callbacks)] == [1, 2, 3]


async def test_thousands_of_waiting_outcomes_need_few_requests(console: FakeConsole) -> None:
    ledger = MemoryRunLedger()
    for log_id in range(1, 5001):
        finish(ledger, log_id)
    async with sending(console, ledger, timeout_seconds=5) as desk:
        assert await desk.outbox.flush(30) == 0
    assert len(console.callbacks) == 5000
    assert len(console.requests) == 10


async def test_long_messages_make_requests_that_proxies_take(console: FakeConsole) -> None:
    ledger = MemoryRunLedger()
    for log_id in range(1, 31):
        finish(ledger, log_id, "你" * 15_000)
    async with sending(console, ledger, timeout_seconds=5) as desk:
        assert await desk.outbox.flush(30) == 0
    sizes = [int(headers["CONTENT-LENGTH"]) for headers in console.headers]
    assert max(sizes) < 1_000_000
    assert len(console.callbacks) == 30


async def test_a_callback_that_waits_for_nothing_is_there_within_milliseconds(console: FakeConsole) -> None:
    delays = []
    async with sending(console, timeout_seconds=5) as desk:
        for log_id in range(1, 21):
            begun = time.monotonic()
            desk.finish(log_id)
            await until(lambda log_id=log_id: console.callback_of(log_id))
            delays.append(time.monotonic() - begun)
    assert sorted(delays)[len(delays) // 2] < 0.1


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_ten_minutes_of_outage_while_1000_runs_end_lose_nothing(console: FakeConsole) -> None:
    configuration = configuration_of(console)
    ledger = MemoryRunLedger()
    async with ConsoleClient() as client:
        outbox = CallbackOutbox(Unreported(ledger), lambda batch: client.callback(configuration, batch))
        async with asyncio.TaskGroup() as group:
            task = group.create_task(outbox.run())
            console.stop()
            for log_id in range(1, 1001):
                outbox.add(finish(ledger, log_id, message_of(log_id)))
                await asyncio.sleep(0.6)
            console.start()
            await until(lambda: len(console.callbacks) >= 1000, 60)
            task.cancel()
    assert_each_arrived_unchanged(console, range(1, 1001))


async def test_a_backlog_in_a_file_beyond_what_memory_holds_is_told_whole(tmp_path: Path, console: FakeConsole) -> None:
    former = SqliteRunLedger(tmp_path / "runs.sqlite3")
    for log_id in range(1, 3001):
        finish(former, log_id, message_of(log_id))
    await asyncio.to_thread(former.close)
    ledger = SqliteRunLedger(tmp_path / "runs.sqlite3")
    configuration = configuration_of(console)
    async with ConsoleClient() as client:
        unreported = Unreported(ledger, most=700)
        outbox = CallbackOutbox(unreported, lambda batch: client.callback(configuration, batch))
        async with asyncio.TaskGroup() as group:
            task = group.create_task(outbox.run())
            for log_id in range(3001, 3101):
                store(ledger, log_id, outbox)
                await asyncio.sleep(0)
            await until(lambda: len({item["logId"] for item in console.callbacks}) == 3100, 30)
            assert await outbox.flush(10) == 0
            task.cancel()
    await asyncio.to_thread(ledger.close)
    assert len(console.callbacks) < 3200


def store(ledger: SqliteRunLedger, log_id: int, outbox: CallbackOutbox) -> None:
    """As the engine does: the outbox hears of it when the outcome is durable."""
    loop = asyncio.get_running_loop()
    ledger.accept(build_record(log_id), lambda _: None)
    done = build_record(log_id, state=RunState.DONE, outcome=RunOutcome.SUCCESS, code=200)
    ledger.update(done, partial(loop.call_soon_threadsafe, outbox.add, done))
