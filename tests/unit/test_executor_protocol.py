"""What the console sends becomes a trigger, or a reason."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.common.errors import ValidationError
from app.xxl_job.executor.protocol import (
    Answer,
    BlockStrategy,
    LogQuery,
    parse_body,
    parse_job_id,
    parse_log_query,
    parse_trigger,
)

WIRE = Path(__file__).parent / "wire"
LEAST = {"jobId": 4, "logId": 1, "executorHandler": "noop"}


def recorded(name: str, path: str) -> list[dict[str, Any]]:
    exchanges = [json.loads(line) for line in (WIRE / f"{name}.jsonl").read_text().splitlines()]
    return [parse_body(one["body"].encode()) for one in exchanges if one["path"] == path]


@pytest.mark.parametrize(
    ("name", "path"), [("console-3.3-to-executor", "/run"), ("console-3.5-to-executor", "/trigger")]
)
def test_recorded_triggers_are_understood(name: str, path: str) -> None:
    bodies = recorded(name, path)
    triggers = [parse_trigger(body) for body in bodies]
    assert triggers
    for trigger, body in zip(triggers, bodies, strict=True):
        assert (trigger.job_id, trigger.log_id, trigger.log_date_time) == (
            body["jobId"],
            body["logId"],
            body["logDateTime"],
        )
        assert (trigger.handler, trigger.param) == (body["executorHandler"], body["executorParams"])
        assert trigger.strategy == body["executorBlockStrategy"]
        assert trigger.timeout_seconds == (body["executorTimeout"] or None)
        assert (trigger.shard_index, trigger.shard_total) == (0, 1)


@pytest.mark.parametrize("name", ["console-3.3-to-executor", "console-3.5-to-executor"])
def test_recorded_log_queries_have_their_time_under_either_name(name: str) -> None:
    for body in recorded(name, "/log"):
        time = body.get("logDateTim") or body["logDateTime"]
        assert parse_log_query(body) == LogQuery(body["logId"], time, body["fromLineNum"])


@pytest.mark.parametrize("path", ["/kill", "/idleBeat"])
def test_recorded_questions_about_a_job_name_it(path: str) -> None:
    bodies = recorded("console-3.3-to-executor", path)
    assert [parse_job_id(body) for body in bodies] == [body["jobId"] for body in bodies]


def test_what_a_trigger_may_leave_out_has_its_default() -> None:
    trigger = parse_trigger(LEAST)
    assert (trigger.param, trigger.strategy, trigger.timeout_seconds) == ("", BlockStrategy.SERIAL, None)
    assert (trigger.log_date_time, trigger.shard_index, trigger.shard_total) == (0, 0, 1)


@pytest.mark.parametrize("name", ["OTHER", "", "serial_execution", None])
def test_an_unknown_block_strategy_is_serial_as_in_java(name: str | None) -> None:
    assert parse_trigger({**LEAST, "executorBlockStrategy": name}).strategy is BlockStrategy.SERIAL


@pytest.mark.parametrize("value", ["12a", "", "1" * 20, "١٢", "1.0", "0x10", " 7", "--1", True, 1.0, [1], {}])
def test_what_is_no_integer_is_no_job_id(value: Any) -> None:
    with pytest.raises(ValidationError, match=r"jobId (must be an integer|is out of range)"):
        parse_job_id({"jobId": value})


@pytest.mark.parametrize(("line", "expected"), [(0, 1), (-5, 1), ("3", 3), (None, 1)])
def test_lines_count_from_one(line: Any, expected: int) -> None:
    query = parse_log_query({"logId": 7, "logDateTim": 9, "fromLineNum": line})
    assert query == LogQuery(7, 9, expected)


def test_a_payload_stands_under_both_names() -> None:
    assert Answer(payload={"a": 1}).as_json() == {"code": 200, "msg": None, "content": {"a": 1}, "data": {"a": 1}}
    assert Answer(500, "no").as_json() == {"code": 500, "msg": "no"}


@pytest.mark.parametrize("body", [b"", b"[]", b'"x"', b"\xff", b"[" * 200_000, b"NaN"])
def test_what_is_no_object_is_told_without_its_content(body: bytes) -> None:
    with pytest.raises(ValidationError, match="the request is n") as caught:
        parse_body(body)
    assert len(caught.value.message) < 60
