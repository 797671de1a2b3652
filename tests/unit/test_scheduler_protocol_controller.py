"""The admin side of the protocol over HTTP: token, answers, limits."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.config.tokens import ACCESS_TOKEN, ensure_local_token
from app.scheduler.models import ConsoleRunState, RunOrder
from support.scheduler import ConsoleParts, build_app, open_client, open_test_runtime

ADMIN = "/xxl-job-admin/api"
SUCCESS = '{"code":200,"data":null,"msg":"Success","success":true}'
RECORDED = [
    json.loads(line)
    for line in (Path(__file__).parent / "wire" / "executor-to-console-3.3.jsonl").read_text().splitlines()
]
REGISTRATION = {"registryGroup": "EXECUTOR", "registryKey": "other", "registryValue": "http://127.0.0.1:9999"}


@pytest.fixture
def parts() -> ConsoleParts:
    return ConsoleParts()


@pytest.fixture
async def client(tmp_path: Path, parts: ConsoleParts) -> AsyncIterator[httpx.AsyncClient]:
    async with open_test_runtime(tmp_path, "xxl-job: {access_token: default_token}\n") as runtime:
        app = build_app(runtime)
        async with open_client(app) as client:
            app.state.scheduler = parts.service
            client.headers["XXL-JOB-ACCESS-TOKEN"] = "default_token"
            yield client


def is_registered(parts: ConsoleParts) -> bool:
    return bool(parts.registry.list_alive("other"))


@pytest.mark.parametrize("exchange", RECORDED)
async def test_recorded_exchanges_are_answered_as_java_s_console_did(
    client: httpx.AsyncClient, exchange: dict[str, str]
) -> None:
    answer = await client.request(exchange["method"], exchange["path"], content=exchange["body"])
    assert (answer.status_code, answer.text) == (200, exchange["resp"])


@pytest.mark.parametrize("token", ["", "wrong", "default_token ", "d\u00e9fault"])
@pytest.mark.parametrize("action", ["registry", "registryRemove", "callback", "unknown"])
async def test_a_wrong_token_is_told_in_the_body_of_a_200(
    client: httpx.AsyncClient, parts: ConsoleParts, action: str, token: str
) -> None:
    headers = {"XXL-JOB-ACCESS-TOKEN": token.encode("latin-1")}
    answer = await client.post(f"{ADMIN}/{action}", json=REGISTRATION, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"code": 500, "msg": "The access token is wrong."})
    assert not is_registered(parts)


async def test_without_a_configured_token_the_machine_s_own_is_asked_for(tmp_path: Path) -> None:
    async with open_test_runtime(tmp_path) as runtime, open_client(build_app(runtime)) as client:
        headers = {"XXL-JOB-ACCESS-TOKEN": ensure_local_token(tmp_path, ACCESS_TOKEN)}
        refused = await client.post(f"{ADMIN}/registry", json=REGISTRATION)
        taken = await client.post(f"{ADMIN}/registry", json=REGISTRATION, headers=headers)
    assert (refused.json()["code"], taken.json()["code"]) == (500, 200)


async def test_outside_the_local_environment_there_is_no_console(tmp_path: Path) -> None:
    settings = "xxl-job: {access_token: s3same}\n"
    async with open_test_runtime(tmp_path, settings, env="prod") as runtime, open_client(build_app(runtime)) as client:
        answer = await client.post(f"{ADMIN}/registry", json=REGISTRATION, headers={"XXL-JOB-ACCESS-TOKEN": "s3same"})
    assert (answer.status_code, answer.json()["code"]) == (404, "FEATURE_DISABLED")


async def test_an_executor_comes_and_goes(client: httpx.AsyncClient, parts: ConsoleParts) -> None:
    await client.post(f"{ADMIN}/registry", json=REGISTRATION)
    assert is_registered(parts)
    await client.post(f"{ADMIN}/registryRemove", json=REGISTRATION)
    assert not is_registered(parts)


async def test_a_callback_that_is_sent_twice_is_a_success_twice_and_counts_once(
    client: httpx.AsyncClient, parts: ConsoleParts
) -> None:
    run = await parts.service.trigger(RunOrder("report"))
    for code in (200, 500):
        body = [{"logId": run.log_id, "logDateTim": run.triggered_at_ms, "handleCode": code, "handleMsg": "ok"}]
        assert (await client.post(f"{ADMIN}/callback", json=body)).text == SUCCESS
    assert (await parts.service.get_run(run.log_id)).state is ConsoleRunState.SUCCESS


@pytest.mark.parametrize(
    ("action", "body", "reason"),
    [
        ("registry", b"{", "request error: the body is not JSON"),
        ("registry", b"{}", "request error: registryGroup: Field required"),
        (
            "registryRemove",
            b"[]",
            "request error: body: Input should be a valid dictionary or instance of RegistryBody",
        ),
        ("callback", b"{}", "request error: body: Input should be a valid list"),
        ("addJob", b"{}", "invalid request, uri-mapping(addJob) not found."),
    ],
)
async def test_what_can_t_be_read_is_told_in_the_body_of_a_200(
    client: httpx.AsyncClient, action: str, body: bytes, reason: str
) -> None:
    answer = await client.post(f"{ADMIN}/{action}", content=body)
    assert (answer.status_code, answer.json()) == (200, {"code": 500, "msg": reason})


async def test_a_body_over_the_limit_is_not_read_to_its_end(client: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for number in range(1000):
            assert number < 10
            yield b" " * 1024 * 1024

    answer = await client.post(f"{ADMIN}/callback", content=endless())
    assert answer.json() == {"code": 500, "msg": "request error: the body is over 5242880 bytes"}


async def test_a_full_registry_is_told_in_the_body_of_a_200(client: httpx.AsyncClient, parts: ConsoleParts) -> None:
    for number in range(998):
        parts.registry.register("demo-executor", f"http://a:{number}")
    answer = await client.post(f"{ADMIN}/registry", json=REGISTRATION)
    assert answer.json() == {"code": 500, "msg": "too many executors are registered"}
