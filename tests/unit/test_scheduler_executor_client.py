"""What the console sends to executors, and how it reads their answers."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest

from app.common.context import bound
from app.common.supervision import failure_of
from app.common.trace import w3c_trace_id
from app.scheduler.executor_client import ExecutorAnswer, ExecutorClient
from app.scheduler.models import BlockStrategy, ConsoleRun, RunOrder
from support.scheduler import FakeExecutors

RECORDED = [
    json.loads(line)
    for line in (Path(__file__).parent / "wire" / "console-3.3-to-executor.jsonl").read_text().splitlines()
]

RUN = ConsoleRun(
    log_id=25,
    job_id=17,
    order=RunOrder(
        "sleepjob",
        param="20",
        block_strategy=BlockStrategy.DISCARD_LATER,
        timeout_seconds=2,
        shard_index=1,
        shard_total=3,
    ),
    trace_id="xxl-demo-25",
    triggered_at_ms=1_795_359_983_931,
    address="http://a",
)


@pytest.fixture
def executors() -> FakeExecutors:
    return FakeExecutors(alive={"a"})


@pytest.fixture
def client(executors: FakeExecutors) -> ExecutorClient:
    return ExecutorClient(lambda: "s3same", transport=httpx.MockTransport(executors))


def recorded_keys(action: str) -> list[str]:
    return sorted(json.loads(next(one["body"] for one in RECORDED if one["path"] == f"/{action}")))


async def test_a_run_is_handed_over_with_the_words_of_java_s_console(
    client: ExecutorClient, executors: FakeExecutors
) -> None:
    await client.run(RUN)
    (body,) = executors.bodies("run")
    assert sorted(body) == recorded_keys("run")
    assert body == {
        "jobId": 17,
        "executorHandler": "sleepjob",
        "executorParams": "20",
        "executorBlockStrategy": "DISCARD_LATER",
        "executorTimeout": 2,
        "logId": 25,
        "logDateTime": 1795359983931,
        "glueType": "BEAN",
        "glueSource": "",
        "glueUpdatetime": 1795359983000,
        "broadcastIndex": 1,
        "broadcastTotal": 3,
    }


async def test_the_log_is_asked_for_with_the_trigger_s_time_in_whole_seconds(
    client: ExecutorClient, executors: FakeExecutors
) -> None:
    await client.read_log(RUN, 999)
    (body,) = executors.bodies("log")
    assert sorted(body) == recorded_keys("log")
    assert body == {"logDateTim": 1795359983000, "logId": 25, "fromLineNum": 999}


async def test_a_kill_names_the_job(client: ExecutorClient, executors: FakeExecutors) -> None:
    await client.kill("http://a", 17)
    assert executors.bodies("kill") == [{"jobId": 17}]


async def test_a_beat_has_no_body(client: ExecutorClient, executors: FakeExecutors) -> None:
    assert (await client.beat("http://a/")).is_ok
    assert executors.seen == [("a", "beat", None)]


async def test_every_call_bears_the_access_token_and_the_trace(
    client: ExecutorClient, executors: FakeExecutors
) -> None:
    with bound("abc-1"):
        await client.beat("http://a")
    (headers,) = executors.headers
    assert headers["XXL-JOB-ACCESS-TOKEN"] == "s3same"
    assert headers["X-Trace-Id"] == "abc-1"
    assert headers["traceparent"].startswith(f"00-{w3c_trace_id('abc-1')}-")


async def test_outside_of_a_request_no_trace_is_made_up(client: ExecutorClient, executors: FakeExecutors) -> None:
    await client.beat("http://a")
    assert "traceparent" not in executors.headers[0]


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        ({"code": 200, "msg": "Running"}, ExecutorAnswer(200, "Running")),
        ({"code": 200}, ExecutorAnswer(200, "")),
        ({"code": 500, "msg": "block strategy effect"}, ExecutorAnswer(500, "block strategy effect")),
        ({"code": 200, "content": {"toLineNum": 1}}, ExecutorAnswer(200, "", {"toLineNum": 1})),
        ({"code": 200, "data": {"toLineNum": 2}}, ExecutorAnswer(200, "", {"toLineNum": 2})),
        ({"code": 200, "content": {"a": 1}, "data": {"a": 2}}, ExecutorAnswer(200, "", {"a": 2})),
    ],
)
async def test_an_answer_is_read_in_every_dialect(
    client: ExecutorClient, executors: FakeExecutors, sent: object, answer: ExecutorAnswer
) -> None:
    executors.answers["beat"] = sent
    assert await client.beat("http://a") == answer


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (httpx.Response(404), "xxl-job remoting fail, StatusCode(404) invalid. for url : http://a/beat"),
        (httpx.Response(200, text="<html>"), "xxl-job remoting (url=http://a/beat) response content invalid."),
        (httpx.Response(200, json=[1]), "xxl-job remoting (url=http://a/beat) response content invalid."),
        (httpx.Response(200, json={"msg": "?"}), "xxl-job remoting (url=http://a/beat) response content invalid."),
    ],
)
async def test_what_is_no_answer_is_a_failure(
    client: ExecutorClient, executors: FakeExecutors, response: httpx.Response, message: str
) -> None:
    executors.answers["beat"] = response
    assert await client.beat("http://a") == ExecutorAnswer(500, message)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("http://gone", "xxl-job remoting error(Connection refused), for url : http://gone/beat"),
        (
            "http://a:port",
            "xxl-job remoting error(Invalid port: 'port'), for url : http://a:port/beat",
        ),
    ],
)
async def test_an_executor_that_can_t_be_reached_is_a_failure(
    client: ExecutorClient, address: str, message: str
) -> None:
    assert await client.beat(address) == ExecutorAnswer(500, message)


async def test_an_executor_that_does_not_answer_in_time_is_a_failure() -> None:
    async def hang(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    client = ExecutorClient(lambda: "s3same", timeout_seconds=0.01, transport=httpx.MockTransport(hang))
    assert await client.beat("http://a") == ExecutorAnswer(
        500, "xxl-job remoting error(timed out), for url : http://a/beat"
    )


async def test_closing_a_client_that_was_never_used_is_fine() -> None:
    assert await failure_of(ExecutorClient(lambda: "s3same").close()) is None


async def test_a_closed_client_has_closed_its_connections(client: ExecutorClient) -> None:
    await client.beat("http://a")
    await client.close()
    with pytest.raises(RuntimeError, match="closed"):
        await client.beat("http://a")
