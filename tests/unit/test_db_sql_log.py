import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.common.context import bound
from app.common.logger import log
from app.config.db import sql_log
from app.config.settings import DatabaseSettings
from support.database import LiveDatabase, notes, open_database

if TYPE_CHECKING:
    from loguru import Record


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[LiveDatabase]:
    async with open_database(tmp_path) as live:
        yield live


@pytest.fixture
def lines(live: LiveDatabase) -> Iterator[list["Record"]]:
    records: list[Record] = []
    sink = log.add(lambda message: records.append(message.record), level=0, format="{message}")
    yield records
    log.remove(sink)


def told(record: "Record") -> dict[str, Any]:
    return {key: record["extra"].get(key) for key in ("trace_id", "sql", "parameters", "rows")}


async def insert(live: LiveDatabase, title: str) -> None:
    async with live.db.transaction() as session:
        await session.execute(notes.insert().values(title=title))


async def test_a_statement_is_one_line_with_the_requests_trace_and_no_values(
    live: LiveDatabase, lines: list["Record"]
) -> None:
    with bound("trace-of-request"):
        await insert(live, "secret-value")

    [record] = lines
    assert (record["level"].name, record["message"]) == ("DEBUG", "statement")
    assert told(record) == {
        "trace_id": "trace-of-request",
        "sql": "INSERT INTO notes (title) VALUES (?)",
        "parameters": "str",
        "rows": 1,
    }
    assert record["extra"]["duration_ms"] >= 0
    assert "secret-value" not in str(record["extra"])


async def test_concurrent_requests_keep_their_own_traces(live: LiveDatabase, lines: list["Record"]) -> None:
    async def request(trace_id: str) -> None:
        with bound(trace_id):
            await insert(live, trace_id)

    await asyncio.gather(*(request(f"trace-{number}") for number in range(5)))

    assert sorted(record["extra"]["trace_id"] for record in lines) == [f"trace-{number}" for number in range(5)]


async def test_a_plain_function_in_its_thread_logs_the_runs_trace(live: LiveDatabase, lines: list["Record"]) -> None:
    def work() -> None:
        with live.db.sync_transaction() as session:
            session.execute(notes.insert().values(title="x"))

    with bound("trace-of-run"):
        await asyncio.to_thread(work)

    assert [told(record)["trace_id"] for record in lines] == ["trace-of-run"]


async def test_many_rows_are_one_line(live: LiveDatabase, lines: list["Record"]) -> None:
    async with live.db.transaction() as session:
        await session.execute(text("INSERT INTO notes (title) VALUES (:title)"), [{"title": "a"}, {"title": "b"}])

    assert [told(record)["parameters"] for record in lines] == ["2 sets"]


async def test_a_failed_statement_is_logged_with_the_vendors_code(live: LiveDatabase, lines: list["Record"]) -> None:
    with pytest.raises(OperationalError):
        async with live.db.transaction() as session:
            await session.execute(text("SELECT * FROM nowhere"))

    assert [record["extra"]["error"] for record in lines] == ["failed (error 1)"]


async def test_echo_is_switched_live(live: LiveDatabase, lines: list["Record"]) -> None:
    await live.change(DatabaseSettings(echo=True))
    await insert(live, "a")
    await live.change(DatabaseSettings(echo=False))
    await insert(live, "b")

    assert [record["level"].name for record in lines] == ["INFO", "DEBUG"]


async def test_a_slow_statement_is_a_warning(
    live: LiveDatabase, lines: list["Record"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_log, "SLOW_SECONDS", 0.0)
    await insert(live, "a")

    assert [(record["level"].name, record["message"]) for record in lines] == [("WARNING", "slow statement")]


@pytest.mark.parametrize(
    ("parameters", "many", "masked"),
    [
        (("secret", 7, None), False, "str, int, NoneType"),
        ({"title": "secret"}, False, "str"),
        ([("secret",), ("other",)], True, "2 sets"),
        (None, False, ""),
    ],
)
def test_parameters_are_told_by_their_types_only(parameters: object, many: bool, masked: str) -> None:
    assert sql_log.mask_parameters(parameters, many) == masked
