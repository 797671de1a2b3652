"""httpJobHandler against a server of the test's own."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from app.jobs.registry import JobRegistry
from app.testing.executor import RunningExecutor, open_executor
from app.testing.fake_console import FakeConsole


class _Shop(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, body: bytes) -> None:
        server: Any = self.server
        server.seen.append((self.command, self.path, dict(self.headers), body))
        if self.path == "/slow":
            server.release.wait(20)
        self.send_response({"/gone": 404, "/elsewhere": 302}.get(self.path, 200))
        if self.path == "/elsewhere":
            self.send_header("Location", "http://169.254.169.254/")
        self.end_headers()
        self.wfile.write(b"x" * 50_000 if self.path == "/long" else b"apples")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        return None


@pytest.fixture
def shop() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Shop)
    server.seen, server.release = [], threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.release.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def console() -> Iterator[FakeConsole]:
    with FakeConsole() as opened:
        yield opened


def url_of(shop: Any, path: str = "/") -> str:
    return f"http://127.0.0.1:{shop.server_address[1]}{path}"


def allowed() -> dict[str, Any]:
    return {"xxl-job": {"scripts": {"http_hosts": ["127.0.0.1"]}}}


async def call(executor: RunningExecutor, **request: Any) -> tuple[int, str]:
    return await executor.run("httpJobHandler", param=json.dumps(request))


async def test_a_request_goes_out_as_asked_with_the_runs_trace(tmp_path: Path, shop: Any, console: FakeConsole) -> None:
    async with open_executor(tmp_path, console, allowed(), registry=JobRegistry()) as executor:
        param = {"url": url_of(shop, "/orders"), "method": "post", "data": "42", "headers": {"X-Shop": "a"}}
        log_id = await executor.trigger("httpJobHandler", param=param)
        assert await executor.outcome_of(log_id) == (200, "")
        text = await executor.log_of(log_id)
    method, path, headers, body = shop.seen[0]
    assert (method, path, body, headers["X-Shop"]) == ("POST", "/orders", b"42", "a")
    assert headers["X-Trace-Id"] == f"xxl-test-executor-{log_id}"
    assert "status=200 answer=apples" in text


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/gone", "UpstreamError: Http StatusCode(404) is failed"),
        ("/elsewhere", "UpstreamError: Http StatusCode(302) is failed"),
    ],
)
async def test_another_status_is_a_failure_and_no_redirect_is_followed(
    tmp_path: Path, shop: Any, console: FakeConsole, path: str, message: str
) -> None:
    async with open_executor(tmp_path, console, allowed(), registry=JobRegistry()) as executor:
        assert await call(executor, url=url_of(shop, path)) == (500, message)
    assert len(shop.seen) == 1


async def test_a_slow_answer_is_waited_for_as_long_as_asked(tmp_path: Path, shop: Any, console: FakeConsole) -> None:
    async with open_executor(tmp_path, console, allowed(), registry=JobRegistry()) as executor:
        code, message = await call(executor, url=url_of(shop, "/slow"), timeout=100)
    assert code == 500
    assert message.startswith("DeadlineExceeded: ")


async def test_only_the_beginning_of_a_long_answer_is_logged(tmp_path: Path, shop: Any, console: FakeConsole) -> None:
    async with open_executor(tmp_path, console, allowed(), registry=JobRegistry()) as executor:
        log_id = await executor.trigger("httpJobHandler", param={"url": url_of(shop, "/long")})
        assert await executor.outcome_of(log_id) == (200, "")
        text = await executor.log_of(log_id)
    assert 10_000 <= text.count("x") < 11_000


async def test_a_kill_ends_the_request(tmp_path: Path, shop: Any, console: FakeConsole) -> None:
    async with open_executor(tmp_path, console, allowed(), registry=JobRegistry()) as executor:
        log_id = await executor.trigger("httpJobHandler", param={"url": url_of(shop, "/slow")})
        async with asyncio.timeout(10):
            while not shop.seen:
                await asyncio.sleep(0.01)
        await executor.kill()
        code, message = await executor.outcome_of(log_id)
    assert (code, message.endswith("[job running, killed]")) == (500, True)
