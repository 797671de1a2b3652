import asyncio
import socket
from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.common.context import bound
from app.common.errors import UpstreamError
from app.common.logger import log
from app.config.sources.base import Trigger
from app.demo_business.models import Greeting
from app.demo_business.service import build_service, greeting_changed, say_hello
from app.runtime import Runtime
from support.settings import documents


async def greet(runtime: Runtime, name: str) -> Greeting:
    async with runtime.db.transaction() as session:
        return await build_service(runtime, session).greet(name)


async def publish(runtime: Runtime, text: str) -> None:
    await runtime.settings.apply(documents(text), Trigger.PUSH)


async def kept(runtime: Runtime, limit: int = 20) -> list[str]:
    async with runtime.db.transaction() as session:
        return [greeting.text for greeting in await build_service(runtime, session).list_newest(limit)]


async def test_a_greeting_has_the_live_settings_word_and_the_callers_trace(runtime: Runtime) -> None:
    with bound("trace-of-request"):
        greeting = await greet(runtime, "Ada")

    assert (greeting.name, greeting.text, greeting.trace_id) == ("Ada", "Welcome Ada", "trace-of-request")
    assert greeting.echoed_by == "echo-host"
    assert greeting.created_at.utcoffset() == timedelta(0)


async def test_the_next_greeting_sees_a_changed_setting(runtime: Runtime) -> None:
    await publish(runtime, "demo: {greeting: Servus}")

    assert (await greet(runtime, "Ada")).text == "Servus Ada"


async def test_a_pinned_request_keeps_the_setting_it_began_with(runtime: Runtime) -> None:
    with bound("trace-of-request", snapshot=runtime.settings.state.snapshot):
        await publish(runtime, "demo: {greeting: Servus}")

        assert (await greet(runtime, "Ada")).text == "Welcome Ada"


async def test_the_echo_is_asked_at_this_projects_own_port_under_the_same_trace(runtime: Runtime, echo: Any) -> None:
    with bound("trace-of-request"):
        await greet(runtime, "Ada")

    [request] = echo.requests
    assert str(request.url) == "http://127.0.0.1:8000/demo/hello/world"
    assert request.headers["X-Trace-Id"] == "trace-of-request"


async def test_the_echo_is_asked_where_the_settings_say(runtime: Runtime, echo: Any) -> None:
    await publish(runtime, "demo: {echo_url: 'http://echo.test/hello'}")
    await greet(runtime, "Ada")

    assert [str(request.url) for request in echo.requests] == ["http://echo.test/hello"]


@pytest.mark.parametrize("answer", [httpx.Response(500, text="down"), httpx.Response(200, json={"unexpected": True})])
async def test_without_an_echo_nothing_is_kept(runtime: Runtime, echo: Any, answer: httpx.Response) -> None:
    echo.answer = answer

    with pytest.raises(UpstreamError, match=str(answer.status_code)):
        await greet(runtime, "Ada")

    assert await kept(runtime) == []


async def test_the_newest_greetings_come_first_and_no_more_than_asked_for(runtime: Runtime) -> None:
    for name in ("Ada", "Grace", "Edsger"):
        await greet(runtime, name)

    assert await kept(runtime, limit=2) == ["Welcome Edsger", "Welcome Grace"]


async def test_hello_uses_the_live_word(runtime: Runtime) -> None:
    hello = say_hello()

    assert (hello.msg, hello.host) == ("Welcome world", socket.gethostname())
    assert hello.time.utcoffset() == timedelta(0)


async def test_a_changed_greeting_is_told_once_it_is_in_force(runtime: Runtime) -> None:
    told: list[tuple[object, object]] = []
    sink = log.add(
        lambda message: told.append((message.record["extra"].get("new"), message.record["extra"].get("old"))),
        filter=greeting_changed.__module__,
        format="{message}",
    )
    await publish(runtime, "demo: {greeting: Servus}")
    async with asyncio.timeout(5):
        while not told:
            await asyncio.sleep(0.001)
    log.remove(sink)

    assert told == [("Servus", "Welcome")]
