"""The traced outgoing client: `await runtime.http.get("http://orders/api/orders/1")`."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final

import httpx

from app.common.const import TRACE_HEADER, TRACEPARENT_HEADER
from app.common.context import NO_TRACE, get_trace_id
from app.common.errors import DeadlineExceeded, UpstreamError
from app.common.logger import log
from app.common.trace import build_traceparent, new_trace_id

TIMEOUT_SECONDS: Final = 10.0
CONNECT_TIMEOUT_SECONDS: Final = 3.0
_THIS_MACHINE: Final = ("all://127.0.0.1", "all://localhost", "all://[::1]")


async def _send_trace(request: httpx.Request) -> None:
    current = get_trace_id()
    trace_id = new_trace_id() if current == NO_TRACE else current
    request.headers[TRACE_HEADER] = trace_id
    request.headers[TRACEPARENT_HEADER] = build_traceparent(trace_id)


class HttpClient:
    """One pooled `httpx.AsyncClient` for the process, made at the first call. Used from the runtime's event loop.

    Every call carries the current trace id in both headers and leaves one log line. Redirects are not followed unless
    a call says so. Raises DeadlineExceeded (504) when time runs out and UpstreamError (502) when the other side can't
    be talked to; an answer is returned whatever its status. `options` are those of `httpx.AsyncClient.request`.
    """

    def __init__(
        self,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        connect_timeout_seconds: float = CONNECT_TIMEOUT_SECONDS,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._connect_timeout_seconds = connect_timeout_seconds
        self._transport = transport
        self._client: httpx.AsyncClient | None = None
        self._opening = asyncio.Lock()

    async def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        """Sends a request and reads the whole answer."""
        client = await self._open()
        with _reported(method, httpx.URL(url)) as report:
            response = await client.request(method, url, **options)
            report.append(response)
        return response

    async def get(self, url: str, **options: Any) -> httpx.Response:
        """`request("GET", …)`."""
        return await self.request("GET", url, **options)

    async def post(self, url: str, **options: Any) -> httpx.Response:
        """`request("POST", …)`."""
        return await self.request("POST", url, **options)

    @asynccontextmanager
    async def stream(self, method: str, url: str, **options: Any) -> AsyncIterator[httpx.Response]:
        """Sends a request and hands out the answer before its body is read."""
        client = await self._open()
        with _reported(method, httpx.URL(url)) as report:
            async with client.stream(method, url, **options) as response:
                report.append(response)
                yield response

    async def close(self) -> None:
        """Closes the pooled connections. A later call opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            async with self._opening:
                if self._client is None:
                    self._client = await asyncio.to_thread(self._build)
        return self._client

    def _build(self) -> httpx.AsyncClient:
        """Reads the CA bundle: tens of milliseconds that neither the start nor the loop has to pay."""
        return httpx.AsyncClient(
            timeout=httpx.Timeout(self._timeout_seconds, connect=self._connect_timeout_seconds),
            event_hooks={"request": [_send_trace]},
            transport=self._transport,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # one request's session is not the next one's
            mounts=dict.fromkeys(_THIS_MACHINE),  # a proxy would ask its own machine
        )


@contextmanager
def _reported(method: str, url: httpx.URL) -> Iterator[list[httpx.Response]]:
    """Logs the call without its query, and translates httpx's exceptions. The answer is appended to what it yields."""
    answers: list[httpx.Response] = []
    host = url.netloc.decode()
    started = time.perf_counter()
    failure = ""
    try:
        yield answers
    except httpx.TimeoutException as error:
        failure = type(error).__name__
        raise DeadlineExceeded(f"{host} did not answer in time") from error
    except httpx.RequestError as error:
        failure = type(error).__name__
        raise UpstreamError(f"{host} can't be talked to ({failure})") from error
    finally:
        milliseconds = round((time.perf_counter() - started) * 1000, 3)
        call = log.bind(method=method, host=host, path=url.path)
        if failure:
            call.bind(error=failure, duration_ms=milliseconds).warning("outgoing call failed")
        elif answers:
            call.bind(status=answers[0].status_code, duration_ms=milliseconds).info("outgoing call answered")
