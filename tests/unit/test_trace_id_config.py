"""The request middleware, driven by hand: what it binds, what it answers, what it says, and that nothing leaks."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from app.common.context import NO_TRACE, get_trace_id, pinned_snapshot_var
from app.common.metrics import REQUEST_SECONDS, REQUESTS, REQUESTS_IN_FLIGHT, Distribution
from app.config import snapshot as snapshots
from app.config.snapshot import LiveState, Snapshot
from app.config.trace_.exchange import ASGIApp
from app.config.trace_.trace_id_config import RequestMiddleware
from support.asgi import heard_access_lines, heard_log, http_call, websocket_call

HEX = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def access_lines() -> Iterator[list[str]]:
    with heard_access_lines() as lines:
        yield lines


@pytest.fixture
def pinned() -> Iterator[Snapshot]:
    first = Snapshot(1, "md5", datetime.now(UTC), "memory", settings=None)  # type: ignore[arg-type]
    former, snapshots.current.state = snapshots.current.state, LiveState(first)
    yield first
    snapshots.current.state = former


class Failures(list[tuple[str, str, str]]):
    def note(self, error: Exception, method: str, route: str) -> None:
        self.append((type(error).__name__, method, route))


def wrap(app: ASGIApp, failures: Failures | None = None) -> RequestMiddleware:
    return RequestMiddleware(app, (failures if failures is not None else Failures()).note)


async def answer(send: Send, body: bytes = b"ok", status: int = 200) -> None:
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def ok(_scope: Scope, _receive: Receive, send: Send) -> None:
    await answer(send)


async def fail(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise RuntimeError("the password is hunter2")


async def test_the_application_sees_the_id_of_its_request_and_the_snapshot_of_its_start(pinned: Snapshot) -> None:
    seen: list[object] = []

    async def look(_scope: Scope, _receive: Receive, send: Send) -> None:
        seen.extend((get_trace_id(), pinned_snapshot_var.get()))
        await answer(send)

    await http_call(headers={"X-Trace-Id": "order-42"}).run(wrap(look))
    assert seen == ["order-42", pinned]


async def test_a_swap_in_the_middle_of_a_request_is_seen_by_the_next_one_only(pinned: Snapshot) -> None:
    seen: list[int] = []

    async def look_twice(_scope: Scope, _receive: Receive, send: Send) -> None:
        seen.append(snapshots.snapshot().revision)
        second = Snapshot(2, "other", datetime.now(UTC), "memory", settings=None)  # type: ignore[arg-type]
        snapshots.current.state = LiveState(second)
        await asyncio.sleep(0)
        seen.append(snapshots.snapshot().revision)
        await answer(send)

    app = wrap(look_twice)
    await http_call().run(app)
    await http_call().run(app)
    assert seen == [1, 1, 2, 2]


async def test_a_stream_sees_the_settings_of_the_moment(pinned: Snapshot) -> None:
    seen: list[int] = []

    async def chunks() -> AsyncIterator[bytes]:
        seen.append(snapshots.snapshot().revision)
        yield b"a"
        second = Snapshot(2, "other", datetime.now(UTC), "memory", settings=None)  # type: ignore[arg-type]
        snapshots.current.state = LiveState(second)
        seen.append(snapshots.snapshot().revision)
        yield b"b"

    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        await StreamingResponse(chunks())(scope, receive, send)

    await http_call(asgi={"version": "3.0", "spec_version": "2.4"}).run(wrap(stream))
    assert seen == [1, 2]


async def test_nothing_is_left_bound_after_a_request_or_a_failure(pinned: Snapshot) -> None:
    await http_call().run(wrap(ok))
    await http_call().run(wrap(fail))
    await websocket_call().run(wrap(fail))
    assert (get_trace_id(), pinned_snapshot_var.get()) == (NO_TRACE, None)


async def test_concurrent_requests_keep_their_own_ids() -> None:
    together = asyncio.Barrier(20)
    seen: dict[str, set[str]] = {}

    async def meet(scope: Scope, _receive: Receive, send: Send) -> None:
        before = get_trace_id()
        await together.wait()
        seen[scope["path"]] = {before, get_trace_id()}
        await answer(send)

    app = wrap(meet)
    await asyncio.gather(*(http_call(f"/{n}", headers={"X-Trace-Id": f"t-{n}"}).run(app) for n in range(20)))
    assert seen == {f"/{n}": {f"t-{n}"} for n in range(20)}


async def test_a_thread_that_is_not_given_the_context_has_no_trace_and_one_that_is_has_it() -> None:
    seen: list[str] = []

    async def start_threads(_scope: Scope, _receive: Receive, send: Send) -> None:
        plain = threading.Thread(target=lambda: seen.append(get_trace_id()))
        plain.start()
        await asyncio.to_thread(plain.join)
        seen.append(await asyncio.to_thread(get_trace_id))
        await answer(send)

    await http_call(headers={"X-Trace-Id": "t-1"}).run(wrap(start_threads))
    assert seen == [NO_TRACE, "t-1"]


async def test_the_answer_carries_both_headers_and_the_access_line_the_same_id(access_lines: list[str]) -> None:
    call = http_call("/nowhere", headers={"traceparent": f"00-{HEX}-b7ad6b7169203331-01"})
    await call.run(wrap(ok))
    assert call.headers["x-trace-id"] == HEX
    assert call.headers["traceparent"].startswith(f"00-{HEX}-")
    assert len(access_lines) == 1
    assert f"[{HEX}]" in access_lines[0]
    assert "method=GET route=unmatched status=200" in access_lines[0]
    assert access_lines[0].endswith("client=192.0.2.7\n")


async def test_where_the_ids_differ_the_first_line_of_the_request_carries_both() -> None:
    with heard_log() as records:
        await http_call(headers={"X-Trace-Id": "order-42"}).run(wrap(ok))
        await http_call(headers={"X-Trace-Id": HEX}).run(wrap(ok))
    assert [(record["message"], record["extra"]["trace_id"]) for record in records] == [
        ("request received", "order-42")
    ]
    assert records[0]["extra"]["w3c_trace_id"] == "4f416b0c12aa8c754209da955fb755cc"


async def test_an_unhandled_error_is_answered_without_its_text_and_reported_once(access_lines: list[str]) -> None:
    failures = Failures()
    call = http_call("/boom", headers={"X-Trace-Id": HEX})
    await call.run(wrap(fail, failures))
    assert call.start["status"] == 500
    assert call.headers["x-trace-id"] == HEX
    assert json.loads(call.sent[1]["body"]) == {
        "code": "INTERNAL",
        "message": "Something went wrong on our side.",
        "trace_id": HEX,
        "details": {},
    }
    assert failures == [("RuntimeError", "GET", "unmatched")]
    assert "status=500" in access_lines[0]


async def test_an_error_after_the_answer_began_sends_nothing_more_and_is_not_counted_as_served(
    access_lines: list[str],
) -> None:
    async def break_off(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError

    failures = Failures()
    call = http_call()
    await call.run(wrap(break_off, failures))
    assert [message["type"] for message in call.sent] == ["http.response.start"]
    assert len(failures) == 1
    assert "status=500" in access_lines[0]


async def test_an_error_after_the_whole_answer_is_reported_and_the_status_stays(access_lines: list[str]) -> None:
    async def fail_in_background(_scope: Scope, _receive: Receive, send: Send) -> None:
        await answer(send)
        raise RuntimeError

    failures = Failures()
    await http_call().run(wrap(fail_in_background, failures))
    assert len(failures) == 1
    assert "status=200" in access_lines[0]


async def test_a_client_that_left_leaves_an_access_line(access_lines: list[str]) -> None:
    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"first"
            await asyncio.Event().wait()

        await StreamingResponse(chunks())(scope, receive, send)

    call = http_call()
    call.incoming.get_nowait()
    call.leave()
    await call.run(wrap(stream))
    assert "status=499" in access_lines[0]


async def test_what_the_server_knows_of_a_client_that_left_is_asked_for(access_lines: list[str]) -> None:
    class ServersCycle:
        disconnected = True

        async def send(self, message: Any) -> None:
            """A server drops what nobody will read."""

    call = http_call()
    await wrap(ok)(call.scope, call.receive, ServersCycle().send)
    assert "status=499" in access_lines[0]


async def test_a_request_that_is_cancelled_is_answered_and_leaves_an_access_line(access_lines: list[str]) -> None:
    entered = asyncio.Event()

    async def hang(_scope: Scope, _receive: Receive, _send: Send) -> None:
        entered.set()
        await asyncio.Event().wait()

    call, failures = http_call(), Failures()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(call.run(wrap(hang, failures)))
        await entered.wait()
        task.cancel()
    assert task.cancelled()
    assert call.start["status"] == 503
    assert json.loads(call.sent[1]["body"])["code"] == "UNAVAILABLE"
    assert "status=503" in access_lines[0]
    assert failures == []


async def test_requests_are_counted_by_route_and_class_of_status() -> None:
    labels = {"route": "unmatched", "method": "PURGE"}
    await http_call("/1", method="PURGE").run(wrap(ok))
    await http_call("/2", method="PURGE").run(wrap(fail))
    assert REQUESTS.value(status="2xx", **labels) == 1
    assert REQUESTS.value(status="5xx", **labels) == 1
    observed = REQUEST_SECONDS.collect().series[("unmatched", "PURGE")]
    assert isinstance(observed, Distribution)
    assert observed.count == 2


async def test_requests_in_flight_are_those_that_are_not_answered_yet() -> None:
    seen: list[float] = []

    async def look(_scope: Scope, _receive: Receive, send: Send) -> None:
        seen.append(REQUESTS_IN_FLIGHT.value())
        await answer(send)

    before = REQUESTS_IN_FLIGHT.value()
    await http_call().run(wrap(look))
    await http_call().run(wrap(fail))
    assert (seen, REQUESTS_IN_FLIGHT.value()) == ([before + 1], before)


async def test_a_websocket_has_a_trace_both_headers_and_a_line(access_lines: list[str], pinned: Snapshot) -> None:
    seen: list[object] = []

    async def greet(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        seen.extend((get_trace_id(), pinned_snapshot_var.get()))
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 1000})

    call = websocket_call(headers={"X-Trace-Id": "order-42"})
    await call.run(wrap(greet))
    assert seen == ["order-42", None]
    assert call.headers["x-trace-id"] == "order-42"
    assert "traceparent" in call.headers
    assert "method=WEBSOCKET route=unmatched status=101" in access_lines[0]


async def test_a_websocket_that_is_refused_with_an_answer_carries_the_headers(access_lines: list[str]) -> None:
    async def refuse(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "websocket.http.response.start", "status": 401, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b""})

    call = websocket_call()
    await call.run(wrap(refuse))
    assert "x-trace-id" in call.headers
    assert "status=401" in access_lines[0]


async def test_a_websocket_that_fails_is_closed_and_reported() -> None:
    failures = Failures()
    call = websocket_call()
    await call.run(wrap(fail, failures))
    assert call.sent == [{"type": "websocket.close", "code": 1011}]
    assert failures == [("RuntimeError", "WEBSOCKET", "unmatched")]


async def test_the_lifespan_passes_through_untouched() -> None:
    given: list[object] = []

    async def note(*arguments: object) -> None:
        given.extend(arguments)

    call = http_call()
    scope = {"type": "lifespan"}
    await wrap(note)(scope, call.receive, call.send)
    assert given == [scope, call.receive, call.send]
