"""The endpoints: the token on each of them, and the protocol's answer to whatever is sent."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from support.executor import ExecutorDesk, open_executor, registry_of, trigger, until

WRONG_TOKEN = {"code": 500, "msg": "The access token is wrong."}
ENDPOINTS = ["/beat", "/idleBeat", "/run", "/kill", "/log"]


async def noop(ctx: Any) -> str:
    return ctx.param[:10]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[ExecutorDesk]:
    async with open_executor(tmp_path, registry_of(noop)) as opened:
        yield opened


@pytest.mark.parametrize("token", ["", "wrong", "fake-console-toke", "fake-console-token2", "Fake-console-token"])
@pytest.mark.parametrize("path", [*ENDPOINTS, "/metrics", "/nowhere"])
async def test_no_path_answers_without_the_token(desk: ExecutorDesk, path: str, token: str) -> None:
    assert await desk.post(path, trigger("noop"), token=token) == WRONG_TOKEN


async def test_a_token_that_is_no_text_is_wrong(desk: ExecutorDesk) -> None:
    answer = await desk.http.post("/beat", headers=[(b"XXL-JOB-ACCESS-TOKEN", b"\xff\xfe")])
    assert answer.json() == WRONG_TOKEN


async def test_a_refused_run_does_not_run(desk: ExecutorDesk) -> None:
    await desk.post("/run", trigger("noop", logId=77), token="wrong")
    await desk.outcome_of("noop")
    assert desk.console.callback_of(77) is None


async def test_beat_answers_without_a_body(desk: ExecutorDesk) -> None:
    assert await desk.post("/beat") == {"code": 200, "msg": None}


MALFORMED = {
    "empty": b"",
    "not json": b"{jobId: 4",
    "a list": b"[1, 2]",
    "null": b"null",
    "a string": b'"jobId"',
    "bad utf-8": b'{"jobId": "\xff\xfe"}',
    "nested": b"[" * 100_000 + b"]" * 100_000,
    "nested objects": b'{"jobId":' * 50_000 + b"1" + b"}" * 50_000,
    "a huge number": b'{"jobId": ' + b"9" * 5000 + b"}",
    "missing": b"{}",
}


@pytest.mark.parametrize("path", ["/idleBeat", "/run", "/kill", "/log"])
@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
async def test_a_malformed_body_gets_the_protocols_error(desk: ExecutorDesk, path: str, body: bytes) -> None:
    answer = await desk.http.post(path, content=body, headers={"XXL-JOB-ACCESS-TOKEN": desk.console.token})

    assert answer.status_code == 200
    assert answer.json()["code"] == 500
    assert "Traceback" not in answer.text
    assert 5 < len(answer.json()["msg"]) < 100


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"logId": "../../tmp/x"}, "logId must be an integer"),
        ({"logId": -1}, "logId is out of range"),
        ({"logId": 2**63}, "logId is out of range"),
        ({"logId": None}, "logId is missing"),
        ({"logId": [1]}, "logId must be an integer"),
        ({"logId": 1.5}, "logId must be an integer"),
        ({"jobId": True}, "jobId must be an integer"),
        ({"jobId": {}}, "jobId must be an integer"),
        ({"executorHandler": 5}, "executorHandler must be a string"),
        ({"executorParams": {"a": 1}}, "executorParams must be a string"),
        ({"executorTimeout": "soon"}, "executorTimeout must be an integer"),
        ({"broadcastIndex": -1}, "broadcastIndex is out of range"),
        ({"broadcastIndex": 3, "broadcastTotal": 3}, "broadcastIndex must be below broadcastTotal"),
        (
            {"glueType": "GLUE_SHELL"},
            "glueType[GLUE_SHELL] is not allowed here: xxl-job.scripts.glue_types doesn't name it",
        ),
        ({"executorHandler": "nobody"}, "job handler [nobody] not found."),
        ({"executorHandler": None}, "job handler [] not found."),
    ],
)
async def test_a_wrong_field_is_named(desk: ExecutorDesk, fields: dict[str, Any], reason: str) -> None:
    assert await desk.post("/run", trigger("noop", **fields)) == {"code": 500, "msg": reason}


async def test_numbers_as_text_are_taken_as_java_takes_them(desk: ExecutorDesk) -> None:
    await desk.post("/run", trigger("noop", jobId="4", logId="990004", executorTimeout="0"))
    assert (await desk.callback_of(990004))["handleCode"] == 200


@pytest.mark.parametrize("timeout", [-1, 10**12, None])
async def test_odd_timeouts_are_harmless(desk: ExecutorDesk, timeout: int | None) -> None:
    assert (await desk.outcome_of("noop", executorTimeout=timeout))[0] == 200


async def test_a_body_that_is_not_encoded_as_it_says_is_refused(desk: ExecutorDesk) -> None:
    headers = {"XXL-JOB-ACCESS-TOKEN": desk.console.token, "Content-Encoding": "gzip"}
    answer = await desk.http.post("/run", content=b"no gzip", headers=headers)
    assert answer.json() == {"code": 500, "msg": "the request's body can't be read"}


async def test_a_body_of_nearly_5_mib_is_taken(desk: ExecutorDesk) -> None:
    assert await desk.outcome_of("noop", executorParams="x" * (5 * 1024 * 1024 - 1024)) == (200, "xxxxxxxxxx")


async def test_a_body_beyond_the_limit_is_413(desk: ExecutorDesk) -> None:
    headers = {"XXL-JOB-ACCESS-TOKEN": desk.console.token}
    answer = await desk.http.post("/run", content=b"x" * (5 * 1024 * 1024 + 1), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, 500)


async def test_the_runs_are_listed_newest_first_with_filters(desk: ExecutorDesk) -> None:
    for log_id in (880_001, 880_002):
        await desk.run("noop", logId=log_id)
        await desk.callback_of(log_id)
    headers = {"XXL-JOB-ACCESS-TOKEN": desk.console.token}
    listed = (await desk.http.get("/runs", params={"handler": "noop"}, headers=headers)).json()
    none = (await desk.http.get("/runs", params={"outcome": "lost"}, headers=headers)).json()
    wrong = (await desk.http.get("/runs", params={"limit": "many"}, headers=headers)).json()

    assert [(run["log_id"], run["outcome"]) for run in listed["data"]] == [(880_002, "success"), (880_001, "success")]
    assert none == {"code": 200, "msg": None, "data": []}
    assert wrong == {"code": 500, "msg": "limit must be a number"}


@pytest.mark.parametrize("token", ["", "wrong"])
async def test_the_runs_are_not_listed_without_the_token(desk: ExecutorDesk, token: str) -> None:
    answer = await desk.http.get("/runs", headers={"XXL-JOB-ACCESS-TOKEN": token})
    assert answer.json() == WRONG_TOKEN


async def test_a_run_on_a_connection_that_was_idle_counts_from_its_own_arrival(desk: ExecutorDesk) -> None:
    await desk.post("/beat")
    await asyncio.sleep(2.2)
    assert (await desk.post("/run", trigger("noop")))["code"] == 200


@pytest.mark.parametrize(("method", "path"), [("GET", "/beat"), ("GET", "/metrics"), ("POST", "/runs")])
async def test_what_is_no_endpoint_says_so(desk: ExecutorDesk, method: str, path: str) -> None:
    answer = await desk.http.request(method, path, headers={"XXL-JOB-ACCESS-TOKEN": desk.console.token})
    assert answer.status_code == 200
    assert answer.json()["msg"].startswith("invalid request")


async def test_the_token_changes_live(desk: ExecutorDesk) -> None:
    desk.console.token = "rotated-token"
    text = f"xxl-job: {{url: '{desk.console.url}', access_token: rotated-token, app_name: test-executor, port: 0}}\n"
    await desk.apply(text)

    assert await desk.post("/beat", token="fake-console-token") == WRONG_TOKEN
    assert (await desk.post("/beat", token="rotated-token"))["code"] == 200
    await until(lambda: desk.console.requests[-1][0] == "registry", seconds=2)


async def test_recorded_requests_of_a_real_console_are_understood(desk: ExecutorDesk) -> None:
    recorded = Path(__file__).parent.parent / "unit" / "wire" / "console-3.3-to-executor.jsonl"
    import json

    for line in recorded.read_text().splitlines():
        exchange = json.loads(line)
        headers = {**exchange["headers"], "XXL-JOB-ACCESS-TOKEN": desk.console.token}
        answer = await desk.http.post(exchange["path"], content=exchange["body"], headers=headers)
        expected = {"code": 200, "msg": None}
        if exchange["path"] == "/run":
            handler = json.loads(exchange["body"])["executorHandler"]
            expected = expected if handler == "noop" else {"code": 500, "msg": f"job handler [{handler}] not found."}
        assert {key: answer.json()[key] for key in ("code", "msg")} == expected
