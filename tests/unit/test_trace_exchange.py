"""What the request middleware reads from a request and writes on its answer."""

import re
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from starlette.responses import PlainTextResponse

from app.config.trace_.exchange import UNMATCHED, Header, identify, route_template, with_headers
from support.asgi import http_call

HEX = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{HEX}-b7ad6b7169203331-01"


def parts(headers: list[Header]) -> tuple[str, str, str | None]:
    """The trace id, the answer's `traceparent`, and the other id where there is one."""
    trace_id, answered, w3c_trace_id = identify(headers)
    names = dict(answered)
    assert names[b"x-trace-id"] == trace_id.encode()
    return trace_id, names[b"traceparent"].decode(), w3c_trace_id


def test_a_request_without_ids_gets_a_new_one_in_both_forms() -> None:
    trace_id, traceparent, other = parts([(b"accept", b"*/*")])
    assert re.fullmatch(r"[0-9a-f]{32}", trace_id)
    assert re.fullmatch(rf"00-{trace_id}-[0-9a-f]{{16}}-01", traceparent)
    assert other is None


def test_new_ids_are_never_the_same() -> None:
    assert len({identify([])[0] for _ in range(2000)}) == 2000


def test_a_valid_traceparent_wins_over_the_other_header() -> None:
    trace_id, traceparent, other = parts([(b"x-trace-id", b"order-42"), (b"traceparent", TRACEPARENT.encode())])
    assert (trace_id, traceparent.split("-")[1], other) == (HEX, HEX, None)
    assert traceparent != TRACEPARENT


def test_an_id_that_is_not_hexadecimal_is_kept_and_travels_on_as_its_md5() -> None:
    trace_id, traceparent, other = parts([(b"x-trace-id", b"order-42")])
    assert (trace_id, other) == ("order-42", "4f416b0c12aa8c754209da955fb755cc")
    assert re.fullmatch(rf"00-{other}-[0-9a-f]{{16}}-01", traceparent)


@pytest.mark.parametrize(
    "headers",
    [
        [(b"x-trace-id", b"two words")],
        [(b"x-trace-id", b"x" * 65)],
        [(b"x-trace-id", b"")],
        [(b"x-trace-id", b"\xff\xfe")],
        [(b"traceparent", b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01")],
        [(b"traceparent", TRACEPARENT.upper().encode())],
        [(b"traceparent", b"garbage")],
    ],
)
def test_an_invalid_id_is_replaced(headers: list[Header]) -> None:
    trace_id, *_ = identify(headers)
    assert re.fullmatch(r"[0-9a-f]{32}", trace_id)


def test_headers_of_these_names_are_replaced_and_the_given_message_stays_as_it_is() -> None:
    given: dict[str, Any] = {
        "type": "http.response.start",
        "status": 200,
        "headers": [(b"x-trace-id", b"of-another-service"), (b"etag", b"1")],
    }
    answered = with_headers(given, ((b"x-trace-id", HEX.encode()), (b"traceparent", TRACEPARENT.encode())))
    assert answered["headers"] == [
        (b"etag", b"1"),
        (b"x-trace-id", HEX.encode()),
        (b"traceparent", TRACEPARENT.encode()),
    ]
    assert given["headers"] == [(b"x-trace-id", b"of-another-service"), (b"etag", b"1")]


def build_application() -> FastAPI:
    app = FastAPI(openapi_url=None)
    inner, outer, mounted = APIRouter(prefix="/orders"), APIRouter(), FastAPI(openapi_url=None)

    async def answer() -> dict[str, str]:
        return {}

    inner.get("/{order_id}")(answer)
    outer.include_router(inner, prefix="/v1")
    app.include_router(outer, prefix="/api")
    app.get("/plain/{name}")(answer)
    mounted.get("/{page}")(answer)
    app.mount("/pages", mounted)
    app.mount("/raw", PlainTextResponse(""))
    return app


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/plain/anna", "/plain/{name}"),
        ("/api/v1/orders/17", "/api/v1/orders/{order_id}"),
        ("/pages/start", "/pages/{page}"),
        ("/raw/whatever", "/raw/*"),
        ("/nowhere", UNMATCHED),
    ],
)
async def test_a_route_is_named_by_its_template(path: str, template: str) -> None:
    call = http_call(path)
    await call.run(build_application())
    assert route_template(call.scope) == template


async def test_a_method_that_a_route_does_not_take_is_counted_under_the_route() -> None:
    call = http_call("/plain/anna", method="DELETE")
    await call.run(build_application())
    assert call.start["status"] == 405
    assert route_template(call.scope) == "/plain/{name}"
