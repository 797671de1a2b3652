"""The console's API for people: who may use it, what it takes and gives."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from support.scheduler import ConsoleParts, build_app, open_client, open_test_runtime

API = "/api/v1/scheduler"
SETTINGS = "server: {ops_token: t0p}\n"
AUTH = {"Authorization": "Bearer t0p"}


@pytest.fixture
def parts() -> ConsoleParts:
    return ConsoleParts("support.example_jobs")


@pytest.fixture
async def client(tmp_path: Path, parts: ConsoleParts) -> AsyncIterator[httpx.AsyncClient]:
    async with open_test_runtime(tmp_path, SETTINGS) as runtime:
        app = build_app(runtime)
        async with open_client(app) as client:
            app.state.scheduler = parts.service
            client.headers.update(AUTH)
            yield client


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", "Basic t0p"])
async def test_without_the_ops_token_nothing_is_shown(client: httpx.AsyncClient, authorization: str) -> None:
    answer = await client.get(f"{API}/runs", headers={"Authorization": authorization})
    assert (answer.status_code, answer.json()["code"]) == (401, "AUTHENTICATION_REQUIRED")


@pytest.mark.parametrize("path", ["/jobs", "/executors", "/runs"])
async def test_outside_the_local_environment_there_is_no_console(tmp_path: Path, path: str) -> None:
    async with open_test_runtime(tmp_path, SETTINGS, env="prod") as runtime, open_client(build_app(runtime)) as client:
        answer = await client.get(API + path, headers=AUTH)
    assert (answer.status_code, answer.json()["code"]) == (404, "FEATURE_DISABLED")


async def test_the_jobs_of_the_project_are_listed(client: httpx.AsyncClient, parts: ConsoleParts) -> None:
    jobs = (await client.get(f"{API}/jobs")).json()
    assert {
        "name": "example_echo",
        "job_id": parts.service.job_id("example_echo"),
        "origin": "support.example_jobs.echo",
        "description": "Says what it is told.",
        "args_schema": None,
    } in jobs


async def test_a_trigger_without_a_body_takes_the_defaults(client: httpx.AsyncClient) -> None:
    answer = await client.post(f"{API}/jobs/report/trigger")
    assert answer.status_code == 201
    run = answer.json()
    assert run.pop("job_id") > 0
    assert run == {
        "log_id": 1795359934946,
        "handler": "report",
        "param": "",
        "app_name": "demo-executor",
        "address": "http://a",
        "block_strategy": "SERIAL_EXECUTION",
        "timeout_seconds": 0,
        "shard_index": 0,
        "shard_total": 1,
        "trace_id": "xxl-demo-executor-1795359934946",
        "state": "running",
        "trigger_code": 200,
        "trigger_message": "",
        "handle_code": 0,
        "handle_message": "",
        "triggered_at": "2026-11-22T15:05:34.946000Z",
        "finished_at": None,
    }


async def test_what_is_asked_for_reaches_the_executor(client: httpx.AsyncClient, parts: ConsoleParts) -> None:
    order = {
        "param": "x=1",
        "block_strategy": "COVER_EARLY",
        "timeout_seconds": 9,
        "shard_index": 1,
        "shard_total": 2,
    }
    await client.post(f"{API}/jobs/report/trigger", json=order)
    (sent,) = parts.executors.bodies("run")
    assert (sent["executorHandler"], sent["executorParams"], sent["executorTimeout"]) == ("report", "x=1", 9)
    assert (sent["executorBlockStrategy"], sent["broadcastIndex"], sent["broadcastTotal"]) == ("COVER_EARLY", 1, 2)


@pytest.mark.parametrize(
    "order",
    [
        {"block_strategy": "LATER"},
        {"timeout_seconds": -1},
        {"shard_index": 2, "shard_total": 2},
        {"parameter": "a misspelt key"},
    ],
)
async def test_an_order_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, parts: ConsoleParts, order: dict[str, object]
) -> None:
    answer = await client.post(f"{API}/jobs/report/trigger", json=order)
    assert answer.status_code == 422
    assert parts.executors.seen == []


async def test_without_an_executor_a_trigger_says_how_to_start_one(client: httpx.AsyncClient) -> None:
    answer = await client.post(f"{API}/jobs/report/trigger", json={"app_name": "other"})
    assert (answer.status_code, answer.json()["code"]) == (409, "NO_EXECUTOR")
    assert "make run" in answer.json()["message"]


async def test_a_broadcast_answers_one_run_an_executor(client: httpx.AsyncClient) -> None:
    answer = await client.post(f"{API}/jobs/report/broadcast", json={"param": "x"})
    assert answer.status_code == 201
    assert [(run["address"], run["shard_index"]) for run in answer.json()] == [("http://a", 0), ("http://b", 1)]


async def test_executors_are_listed_with_the_time_of_their_last_word(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{API}/executors")
    assert answer.json()[0] == {
        "app_name": "demo-executor",
        "address": "http://a",
        "last_seen_at": "2026-11-22T15:05:34.946000Z",
    }


async def test_runs_are_listed_newest_first_and_by_handler(client: httpx.AsyncClient) -> None:
    for name in ("report", "clean", "report"):
        await client.post(f"{API}/jobs/{name}/trigger")
    every = (await client.get(f"{API}/runs", params={"limit": 2})).json()
    reports = (await client.get(f"{API}/runs", params={"handler": "report"})).json()
    assert [run["handler"] for run in every] == ["report", "clean"]
    assert len(reports) == 2


async def test_a_log_page_is_fetched_from_the_executor(client: httpx.AsyncClient, parts: ConsoleParts) -> None:
    run = (await client.post(f"{API}/jobs/report/trigger")).json()
    parts.executors.answers["log"] = {"code": 200, "data": {"toLineNum": 8, "logContent": "eight\n"}}
    answer = await client.get(f"{API}/runs/{run['log_id']}/log", params={"from_line": 8})
    assert answer.json() == {"from_line": 8, "to_line": 8, "content": "eight\n", "is_end": False}


async def test_a_kill_answers_the_failed_run_and_a_second_one_conflicts(client: httpx.AsyncClient) -> None:
    run = (await client.post(f"{API}/jobs/report/trigger")).json()
    killed = await client.post(f"{API}/runs/{run['log_id']}/kill")
    again = await client.post(f"{API}/runs/{run['log_id']}/kill")
    assert (killed.json()["state"], killed.json()["finished_at"]) == ("failed", "2026-11-22T15:05:34.946000Z")
    assert again.status_code == 409


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/runs/404"), ("GET", "/runs/404/log"), ("POST", "/runs/404/kill")]
)
async def test_an_unknown_run_is_a_404(client: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await client.request(method, API + path)
    assert (answer.status_code, answer.json()["message"]) == (404, "there is no run 404")


async def test_every_endpoint_is_documented(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    assert len(paths) == 8
    assert all(operation["description"] for path in paths.values() for operation in path.values())
    assert all(path.startswith(API) for path in paths)
