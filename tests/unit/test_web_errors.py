"""Every error has one shape; what is expected is answered, what is not is reported once, without its text."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import httpx
import pytest
from fastapi import Body, Query
from pydantic import BaseModel, Field, SecretStr, field_validator
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from app.common import errors
from app.web.server import create_app
from support.asgi import heard_access_lines, heard_log, http_call
from support.runtime import Bench, client_of, opened_bench

HEX = "0af7651916cd43dd8448eb211c80319c"


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Account(BaseModel):
    owner: str = Field(min_length=3)
    password: SecretStr = Field(min_length=12)
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None
    code: str = "ok"

    @field_validator("code")
    @classmethod
    def _refuse(cls, value: str) -> str:
        if value != "ok":
            raise ValueError(f"{value} is no code")
        return value


RAISED: dict[str, Exception] = {
    "unknown": RuntimeError("the password is hunter2"),
    "missing": errors.NotFoundError("no order 17", details={"order": 17, "day": date(2026, 1, 2)}),
    "unauthenticated": errors.AuthenticationError(),
    "down": errors.Unavailable("the database is not available"),
    "upstream": errors.UpstreamError(),
    "teapot": HTTPException(418, headers={"Retry-After": "7"}),
    "structured": HTTPException(409, {"conflicts": ["a"]}),
    "listed": HTTPException(400, ["a", "b"]),
    "gateway": HTTPException(504),
    "odd": HTTPException(499, "left"),
    "unchanged": HTTPException(304),
    "gone": ClientDisconnect(),
}


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with opened_bench(tmp_path) as opened:
        yield opened


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(bench.runtime, features=())

    @app.get("/raise/{name}")
    async def raise_error(name: str) -> None:
        raise RAISED[name]

    @app.post("/accounts")
    async def create_account(account: Annotated[Account, Body()], limit: Annotated[int, Query(ge=1)] = 1) -> None:
        """Never reached by these tests."""

    async with client_of(app) as opened:
        yield opened


@pytest.mark.parametrize(
    ("name", "status", "code", "message"),
    [
        ("unknown", 500, "INTERNAL", "Something went wrong on our side."),
        ("missing", 404, "NOT_FOUND", "no order 17"),
        ("unauthenticated", 401, "AUTHENTICATION_REQUIRED", "A valid credential is needed."),
        ("down", 503, "UNAVAILABLE", "the database is not available"),
        ("upstream", 502, "UPSTREAM_FAILED", "A service that this one depends on failed."),
        ("teapot", 418, "IM_A_TEAPOT", "I'm a Teapot"),
        ("structured", 409, "CONFLICT", "Conflict"),
        ("listed", 400, "BAD_REQUEST", "Bad Request"),
        ("gateway", 504, "DEADLINE_EXCEEDED", "Gateway Timeout"),
        ("odd", 499, "HTTP_499", "left"),
    ],
)
async def test_an_error_has_its_status_code_message_and_trace_id(
    client: httpx.AsyncClient, name: str, status: int, code: str, message: str
) -> None:
    response = await client.get(f"/raise/{name}", headers={"X-Trace-Id": HEX})
    body = response.json()
    assert (response.status_code, body["code"], body["message"], body["trace_id"]) == (status, code, message, HEX)
    assert set(body) == {"code", "message", "trace_id", "details"}
    assert isinstance(body["details"], dict)


@pytest.mark.parametrize(
    ("name", "details"),
    [
        ("missing", {"order": 17, "day": "2026-01-02"}),
        ("structured", {"conflicts": ["a"]}),
        ("listed", {"detail": ["a", "b"]}),
        ("unknown", {}),
    ],
)
async def test_details_are_an_object_of_plain_values(
    client: httpx.AsyncClient, name: str, details: dict[str, object]
) -> None:
    assert (await client.get(f"/raise/{name}")).json()["details"] == details


async def test_the_headers_of_an_error_are_kept(client: httpx.AsyncClient) -> None:
    assert (await client.get("/raise/teapot")).headers["retry-after"] == "7"
    assert (await client.get("/raise/unauthenticated")).headers["www-authenticate"] == "Bearer"
    assert (await client.delete("/raise/teapot")).headers["allow"] == "GET"


async def test_a_status_without_a_body_has_none(client: httpx.AsyncClient) -> None:
    response = await client.get("/raise/unchanged")
    assert (response.status_code, response.content) == (304, b"")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/nowhere", 404, "NOT_FOUND"), ("DELETE", "/accounts", 405, "METHOD_NOT_ALLOWED")],
)
async def test_the_framework_s_own_errors_have_the_same_shape(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    response = await client.request(method, path)
    assert response.status_code == status
    assert response.json() == {
        "code": code,
        "message": response.reason_phrase,
        "trace_id": response.headers["x-trace-id"],
        "details": {},
    }


async def test_an_invalid_request_is_told_where_and_which_rule_but_never_the_value(client: httpx.AsyncClient) -> None:
    account = {"owner": "Al", "password": "s3cr3t", "pet": {"kind": "tiger"}, "code": "hush"}
    response = await client.post("/accounts?limit=0", json=account)
    body = response.json()
    assert (response.status_code, body["code"]) == (422, "VALIDATION_FAILED")
    assert {(error["path"], error["rule"]) for error in body["details"]["errors"]} == {
        ("query.limit", "greater_than_equal"),
        ("body.owner", "string_too_short"),
        ("body.password", "too_short"),
        ("body.pet", "union_tag_invalid"),
        ("body.code", "value_error"),
    }
    for value in ("s3cr3t", "tiger", "hush", "Al"):
        assert value not in response.text


async def test_a_body_that_is_not_json_is_a_validation_error(client: httpx.AsyncClient) -> None:
    response = await client.post("/accounts", content=b"{", headers={"Content-Type": "application/json"})
    assert response.json()["details"]["errors"] == [
        {"path": "body.1", "rule": "json_invalid", "message": "JSON decode error"}
    ]


@pytest.mark.parametrize("name", ["unknown", "down", "upstream", "gateway"])
async def test_an_incident_raises_one_alert_that_says_where_and_under_which_trace(
    client: httpx.AsyncClient, bench: Bench, name: str
) -> None:
    await client.get(f"/raise/{name}", headers={"X-Trace-Id": HEX})
    assert len(bench.alerts.raised) == 1
    alert = bench.alerts.raised[0]
    kind = type(RAISED[name]).__name__
    assert (alert.name, alert.trace_id, alert.exception) == ("request_failed", HEX, RAISED[name])
    assert alert.dedup_key == f"request_failed:GET:/raise/{{name}}:{kind}"
    assert alert.labels["route"] == "/raise/{name}"


@pytest.mark.parametrize("name", ["missing", "unauthenticated", "teapot", "structured"])
async def test_an_expected_error_raises_none(client: httpx.AsyncClient, bench: Bench, name: str) -> None:
    await client.get(f"/raise/{name}")
    assert bench.alerts.raised == []


async def test_an_unknown_error_is_logged_with_its_traceback_and_an_expected_outage_without(
    client: httpx.AsyncClient,
) -> None:
    with heard_log() as records:
        await client.get("/raise/unknown")
        await client.get("/raise/down")
    failed = [record for record in records if record["message"] == "request failed"]
    assert [(record["level"].name, record["exception"] is not None) for record in failed] == [
        ("ERROR", True),
        ("WARNING", False),
    ]
    assert failed[1]["extra"]["reason"] == "the database is not available"


async def test_a_client_that_leaves_while_its_request_is_read_is_no_incident(bench: Bench) -> None:
    app = create_app(bench.runtime, features=())

    @app.post("/upload")
    async def read(request: Request) -> None:
        async for _ in request.stream():
            pass

    call = http_call("/upload", method="POST")
    call.incoming.get_nowait()
    call.leave()
    with heard_access_lines() as lines:
        await call.run(app)
    assert "route=/upload status=499" in lines[0]
    assert bench.alerts.raised == []
