"""The console's calls to an executor: beat, run, kill, log."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import httpx

from app.common.const import TRACE_HEADER, TRACEPARENT_HEADER
from app.common.context import NO_TRACE, get_trace_id
from app.common.trace import build_traceparent
from app.scheduler.models import ConsoleRun, ResultCode
from app.scheduler.protocol import TOKEN_HEADER

TIMEOUT_SECONDS: Final = 3.0
"""XXL-JOB's own console waits as long."""


@dataclass(frozen=True)
class ExecutorAnswer:
    """What an executor said, or why nothing came, which reads as a failure."""

    code: int
    message: str
    payload: Any = None

    @property
    def is_ok(self) -> bool:
        return self.code == ResultCode.SUCCESS


class ExecutorClient:
    """Speaks the released protocol (2.2 to 3.4). Never raises for what an executor does: that is an answer too."""

    def __init__(
        self,
        access_token: Callable[[], str],
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`access_token` is asked at every call, for it is a live setting."""
        self._access_token = access_token
        self._timeout_seconds = timeout_seconds
        self._transport = transport

    async def beat(self, address: str) -> ExecutorAnswer:
        """Asks whether the executor is there."""
        return await self._post(address, "beat", None)

    async def run(self, run: ConsoleRun) -> ExecutorAnswer:
        """Hands the run over at its address; success says that it was accepted, not that it has begun."""
        order = run.order
        body = {
            "jobId": run.job_id,
            "executorHandler": order.handler,
            "executorParams": order.param,
            "executorBlockStrategy": order.block_strategy.value,
            "executorTimeout": order.timeout_seconds,
            "logId": run.log_id,
            "logDateTime": run.triggered_at_ms,
            "glueType": "BEAN",
            "glueSource": "",
            "glueUpdatetime": _whole_seconds(run.triggered_at_ms),
            "broadcastIndex": order.shard_index,
            "broadcastTotal": order.shard_total,
        }
        return await self._post(run.address, "run", body)

    async def kill(self, address: str, job_id: int) -> ExecutorAnswer:
        """Ends whatever run of the job is going on or queued there."""
        return await self._post(address, "kill", {"jobId": job_id})

    async def read_log(self, run: ConsoleRun, from_line: int) -> ExecutorAnswer:
        """The run's log from a line on; the payload is `{fromLineNum, toLineNum, logContent, isEnd}`."""
        body = {
            "logDateTim": _whole_seconds(run.triggered_at_ms),
            "logId": run.log_id,
            "fromLineNum": from_line,
        }
        return await self._post(run.address, "log", body)

    async def close(self) -> None:
        if "_http" in self.__dict__:
            await self._http.aclose()

    @cached_property
    def _http(self) -> httpx.AsyncClient:
        """Made by the first call: loading the certificate store would be felt at every start."""
        # No timeout of its own: `_post` limits the whole call, httpx would limit each step of it.
        return httpx.AsyncClient(trust_env=False, timeout=None, transport=self._transport)  # noqa: S113

    async def _post(self, address: str, action: str, body: Mapping[str, Any] | None) -> ExecutorAnswer:
        url = f"{address.rstrip('/')}/{action}"
        headers = {TOKEN_HEADER: self._access_token(), **_trace_headers()}
        if body is not None:
            headers["Content-Type"] = "application/json;charset=UTF-8"
        content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                answer = await self._http.post(url, content=content, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            reason = str(error) or "timed out"
            return ExecutorAnswer(ResultCode.FAILURE, f"xxl-job remoting error({reason}), for url : {url}")
        return _read_answer(answer, url)


def _whole_seconds(at_ms: int) -> int:
    """Java's console reads the trigger's time back from a column that holds whole seconds."""
    return at_ms // 1000 * 1000


def _trace_headers() -> dict[str, str]:
    trace_id = get_trace_id()
    if trace_id == NO_TRACE:
        return {}
    return {TRACE_HEADER: trace_id, TRACEPARENT_HEADER: build_traceparent(trace_id)}


def _read_answer(answer: httpx.Response, url: str) -> ExecutorAnswer:
    if answer.status_code != httpx.codes.OK:
        message = f"xxl-job remoting fail, StatusCode({answer.status_code}) invalid. for url : {url}"
        return ExecutorAnswer(ResultCode.FAILURE, message)
    try:
        body = answer.json()
        # Executors up to 3.2 call the payload `content`, those since 3.3 `data`, pyxxl sends both.
        payload = body.get("data") if body.get("data") is not None else body.get("content")
        return ExecutorAnswer(int(body["code"]), str(body.get("msg") or ""), payload)
    except (ValueError, KeyError, TypeError, AttributeError):
        return ExecutorAnswer(ResultCode.FAILURE, f"xxl-job remoting (url={url}) response content invalid.")
