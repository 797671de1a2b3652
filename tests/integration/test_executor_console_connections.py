"""Requests over real sockets, on both loops: connections are kept, replaced, given up, and none is left."""

import asyncio
import inspect
import os
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any, Self

import pytest
import uvloop

from app.common.errors import UpstreamError
from app.xxl_job.executor.console_answer import Answer, ClientPayloadError, ClientResponseError, ServerDisconnectedError
from app.xxl_job.executor.console_connections import ClientConnectorError, ConsoleConnections
from support.configurations import until
from support.tls_proxy import open_tls_proxy

OK = b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"code":200}'
ACCEPTED = Answer(200, b'{"code":200}')

Script = Callable[["RawConsole", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def on_both_loops(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """The control plane runs on uvloop, whose transports are not asyncio's."""

    def run(new_loop: Callable[[], asyncio.AbstractEventLoop], **arguments: Any) -> None:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(test(**arguments))

    own = inspect.signature(run).parameters["new_loop"]
    run.__signature__ = inspect.Signature([own, *inspect.signature(test).parameters.values()])  # type: ignore[attr-defined]
    run.__doc__ = test.__doc__
    factories = [asyncio.SelectorEventLoop, uvloop.new_event_loop]
    return pytest.mark.parametrize("new_loop", factories, ids=["asyncio", "uvloop"])(run)


class RawConsole:
    """A server whose script says, connection by connection, what happens."""

    def __init__(self, script: Script, host: str = "127.0.0.1") -> None:
        self._script = script
        self._host = host
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.connected = self.open = 0
        self.requests: list[bytes] = []
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self._host, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._tasks)

    @property
    def url(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}/xxl-job-admin/api/callback"

    async def take(self, reader: asyncio.StreamReader) -> bytes:
        """One request."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.rpartition(b"Content-Length: ")[2]
        body = await reader.readexactly(int(length))
        self.requests.append(body)
        return body

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        self.connected += 1
        self.open += 1
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                await self._script(self, reader, writer)
        finally:
            self.open -= 1
            writer.transport.abort()
            await asyncio.sleep(0)


async def accept(console: RawConsole, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await console.take(reader)
        writer.write(OK)


async def accept_once(console: RawConsole, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Then closes as soon as the next request comes."""
    await console.take(reader)
    writer.write(OK)
    await reader.read(1)


async def hang(console: RawConsole, reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await console.take(reader)
    await reader.read()


async def accept_then_hang(console: RawConsole, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await console.take(reader)
    writer.write(OK)
    await hang(console, reader, writer)


def saying(*pieces: bytes) -> Script:
    async def script(console: RawConsole, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await console.take(reader)
        for piece in pieces:
            if writer.is_closing():
                return
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.002)

    return script


class Client:
    """Connections that are closed at the end, and asked for a bit more shortly."""

    def __init__(self, timeout_seconds: float = 5.0, idle_seconds: float = 30.0) -> None:
        self._connections = ConsoleConnections(timeout_seconds, idle_seconds, turn_seconds=0.1)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._connections.close()

    async def post(self, console: RawConsole, body: bytes = b"[]") -> Answer:
        return await self._connections.post(console.url, {"Content-Type": "application/json"}, body)

    async def post_to(self, url: str) -> Answer:
        return await self._connections.post(url, {}, b"[]")


@on_both_loops
async def test_requests_share_a_connection() -> None:
    async with RawConsole(accept) as console, Client() as client:
        assert [await client.post(console, b"%d" % number) for number in range(5)] == [ACCEPTED] * 5
        assert (console.connected, console.requests) == (1, [b"0", b"1", b"2", b"3", b"4"])


@on_both_loops
async def test_requests_at_one_time_have_a_connection_each_and_these_are_kept() -> None:
    async with RawConsole(accept) as console, Client() as client:
        for _ in range(3):
            assert await asyncio.gather(*[client.post(console) for _ in range(3)]) == [ACCEPTED] * 3
        assert (console.connected, console.open) == (3, 3)


@on_both_loops
async def test_no_more_connections_rest_than_a_few() -> None:
    async with RawConsole(accept) as console, Client() as client:
        await asyncio.gather(*[client.post(console) for _ in range(10)])
        await until(lambda: console.open == 4)


@on_both_loops
async def test_at_the_end_no_connection_is_left() -> None:
    async with RawConsole(accept) as console:
        async with Client() as client:
            await asyncio.gather(client.post(console), client.post(console))
            assert console.open == 2
        await until(lambda: console.open == 0)
        assert asyncio.all_tasks() == {asyncio.current_task()}


@on_both_loops
async def test_a_request_under_way_at_the_end_fails_and_opens_nothing() -> None:
    async with RawConsole(accept_then_hang) as console, Client() as client:
        await client.post(console)
        work = asyncio.create_task(client.post(console))
        await until(lambda: len(console.requests) == 2)
        await client.__aexit__()
        with pytest.raises(UpstreamError):
            await work
        assert console.connected == 1


@on_both_loops
async def test_a_connection_that_rested_too_long_is_closed() -> None:
    async with RawConsole(accept) as console, Client(idle_seconds=0.05) as client:
        await asyncio.gather(client.post(console), client.post(console))
        await until(lambda: console.open == 0)
        assert await client.post(console) == ACCEPTED
        await until(lambda: console.open == 0)
        assert console.connected == 3


@on_both_loops
async def test_a_connection_in_use_does_not_rest() -> None:
    async with RawConsole(accept) as console, Client(idle_seconds=0.2) as client:
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            await client.post(console)
            await asyncio.sleep(0.002)
        assert console.connected == 1


@on_both_loops
async def test_a_connection_that_the_console_closed_is_replaced() -> None:
    async with RawConsole(saying(OK)) as console, Client() as client:
        for number in range(3):
            assert await client.post(console) == ACCEPTED
            await until(lambda number=number: (console.connected, console.open) == (number + 1, 0))


@on_both_loops
async def test_a_request_that_meets_a_closing_connection_is_sent_again_at_once() -> None:
    async with RawConsole(accept_once) as console, Client() as client:
        for _ in range(5):
            assert await client.post(console) == ACCEPTED
        assert console.connected == 5


@on_both_loops
async def test_a_request_is_sent_again_only_once() -> None:
    scripts = iter([accept_once, saying(), accept])

    async def next_script(console: RawConsole, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await next(scripts)(console, reader, writer)

    async with RawConsole(next_script) as console, Client() as client:
        await client.post(console)
        with pytest.raises(ServerDisconnectedError):
            await client.post(console)
        assert console.connected == 2


@on_both_loops
async def test_a_request_that_was_answered_in_part_is_not_sent_again() -> None:
    async def half(console: RawConsole, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await console.take(reader)
        writer.write(OK)
        await console.take(reader)
        writer.write(OK[:-1])
        await writer.drain()

    async with RawConsole(half) as console, Client() as client:
        await client.post(console)
        with pytest.raises(ClientPayloadError):
            await client.post(console)
        assert console.connected == 1


@pytest.mark.parametrize(
    ("pieces", "answer"),
    [
        ([OK[:5], OK[5:30], OK[30:]], ACCEPTED),
        ([b"HTTP/1.1 100 Continue\r\n\r\n", OK], ACCEPTED),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n", b"0\r\n\r\n"], Answer(200, b"a")),
        ([b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"until", b" close"], Answer(200, b"until close")),
        ([b"HTTP/1.1 302 Found\r\nLocation: http://x.invalid/\r\nContent-Length: 0\r\n\r\n"], Answer(302, b"")),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n", *[b"x" * 10_000] * 10], Answer(200, b"x" * 65_536)),
    ],
    ids=["pieces", "100", "chunked", "until close", "redirect", "huge"],
)
@on_both_loops
async def test_an_answer_is_understood_however_it_comes(pieces: list[bytes], answer: Answer) -> None:
    async with RawConsole(saying(*pieces)) as console, Client() as client:
        assert await client.post(console) == answer
        assert await client.post(console) == answer


@on_both_loops
async def test_what_comes_after_an_answer_is_nobodys() -> None:
    async with RawConsole(saying(OK + OK)) as console, Client() as client:
        assert await client.post(console) == ACCEPTED
        assert await client.post(console) == ACCEPTED
        assert console.connected == 2


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (saying(b"garbage\r\n"), ClientResponseError),
        (saying(OK[:10]), ClientPayloadError),
        (saying(OK[:-1]), ClientPayloadError),
        (saying(), ServerDisconnectedError),
        (hang, TimeoutError),
        (saying(*[OK[:30]] * 1, *[b"x"] * 500), TimeoutError),
    ],
    ids=["garbage", "half a line", "half a body", "nothing", "hanging", "slow"],
)
@on_both_loops
async def test_what_is_no_answer_is_an_error_and_leaves_nothing(script: Script, error: type[Exception]) -> None:
    async with RawConsole(script) as console, Client(timeout_seconds=0.3) as client:
        with pytest.raises(error):
            await client.post(console)
        await until(lambda: console.open == 0)


@on_both_loops
async def test_a_large_batch_arrives_whole() -> None:
    body = os.urandom(2_000_000)
    async with RawConsole(accept) as console, Client() as client:
        assert await client.post(console, body) == ACCEPTED
        assert await client.post(console, body) == ACCEPTED
        assert (console.requests, console.connected) == ([body, body], 1)


@on_both_loops
async def test_a_console_that_refuses_without_reading_is_heard() -> None:
    async def refuse(_: RawConsole, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        await reader.read()

    async with RawConsole(refuse) as console, Client() as client:
        assert await client.post(console, bytes(20_000_000)) == Answer(413, b"")
        await until(lambda: console.open == 0)


@pytest.mark.parametrize("script", [hang, accept_then_hang])
@on_both_loops
async def test_a_cancelled_request_leaves_no_connection_and_no_task(script: Script) -> None:
    async with RawConsole(script) as console, Client() as client:
        before = [await client.post(console)] if script is accept_then_hang else []
        work = asyncio.create_task(client.post(console))
        await until(lambda: len(console.requests) == len(before) + 1)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        await until(lambda: console.open == 0)
        assert (console.connected, asyncio.all_tasks()) == (1, {asyncio.current_task()})


@on_both_loops
async def test_a_console_that_is_down_is_named() -> None:
    async with Client() as client:
        with pytest.raises(ClientConnectorError, match=r"Cannot connect to 127\.0\.0\.1:1 \["):
            await client.post_to("http://127.0.0.1:1/x")


@pytest.mark.parametrize("backlog", [None, 0], ids=["refuses", "swallows"])
@on_both_loops
async def test_a_dead_address_of_a_name_gives_way_to_the_next(
    monkeypatch: pytest.MonkeyPatch, backlog: int | None
) -> None:
    async with RawConsole(accept) as console, Client() as client, AsyncExitStack() as stack:
        dead = stack.enter_context(socket.socket())
        dead.bind(("127.0.0.2", console.port))
        if backlog is not None:
            dead.listen(backlog)
            stack.enter_context(socket.create_connection(dead.getsockname()))  # there is no room for another
        addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{last}", console.port)) for last in (2, 1)]
        resolve = asyncio.get_running_loop().run_in_executor
        monkeypatch.setattr(
            asyncio.get_running_loop(), "getaddrinfo", lambda *_, **__: resolve(None, lambda: addresses)
        )
        assert await client.post_to(f"http://console.invalid:{console.port}/x") == ACCEPTED
        assert console.connected == 1


@on_both_loops
async def test_ipv6_is_spoken() -> None:
    with suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        async with RawConsole(accept, "::1") as console, Client() as client:
            assert await client.post(console) == ACCEPTED
            assert console.connected == 1
        return
    pytest.skip("no IPv6 loopback")


@on_both_loops
async def test_tls_is_spoken_with_an_authority_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with AsyncExitStack() as stack:
        console = await stack.enter_async_context(RawConsole(accept))
        proxy = await stack.enter_async_context(open_tls_proxy(console.port, (0,), tmp_path))
        monkeypatch.setenv("SSL_CERT_FILE", str(proxy.ca_file))
        async with Client() as client:
            for _ in range(3):
                assert await client.post_to(f"https://localhost:{proxy.port}/x") == ACCEPTED
            assert console.connected == 1
            with pytest.raises(ClientConnectorError, match="IP address mismatch"):
                await client.post_to(f"https://127.0.0.1:{proxy.port}/x")
        await until(lambda: console.open == 0)


@on_both_loops
async def test_an_authority_that_is_not_known_is_refused(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        console = await stack.enter_async_context(RawConsole(accept))
        proxy = await stack.enter_async_context(open_tls_proxy(console.port, (0,), tmp_path))
        client = await stack.enter_async_context(Client())
        with pytest.raises(ClientConnectorError, match="CERTIFICATE_VERIFY_FAILED"):
            await client.post_to(f"https://localhost:{proxy.port}/x")
        assert console.requests == []


@pytest.mark.parametrize("ending", ["timeout", "cancelled"])
@on_both_loops
async def test_a_handshake_that_hangs_leaves_nothing(ending: str) -> None:
    async def deaf(_: RawConsole, reader: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await reader.read()

    async with RawConsole(deaf) as console, Client(timeout_seconds=0.3 if ending == "timeout" else 30) as client:
        work = asyncio.create_task(client.post_to(console.url.replace("http:", "https:")))
        await until(lambda: console.open == 1)
        if ending == "cancelled":
            work.cancel()
        with pytest.raises(TimeoutError if ending == "timeout" else asyncio.CancelledError):
            await work
        await until(lambda: console.open == 0)


@on_both_loops
async def test_no_tls_where_tls_was_expected_is_an_error() -> None:
    async def refuse(_: RawConsole, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()

    async with RawConsole(refuse) as console, Client() as client:
        with pytest.raises(ClientConnectorError, match="SSL"):
            await client.post_to(console.url.replace("http:", "https:"))
