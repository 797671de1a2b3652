"""The console as the executor calls it: registry, registryRemove, callback."""

import json
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, Self

import aiohttp

from app.common.errors import UpstreamError
from app.config.xxl_job_config import ExecutorConfiguration

TIMEOUT_SECONDS: Final = 10.0
_LARGEST_ANSWER_BYTES: Final = 64 * 1024
_SUCCESS: Final = 200


class ConsoleClient:
    """Calls the addresses of a configuration in order until one accepts. Proxy variables are ignored."""

    def __init__(self, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=timeout_seconds), trust_env=False, cookie_jar=aiohttp.DummyCookieJar()
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def register(self, configuration: ExecutorConfiguration, address: str) -> None:
        """Raises UpstreamError with the reason of every address that didn't accept; so do the other calls."""
        await self._call(configuration, "registry", _registration(configuration, address))

    async def deregister(self, configuration: ExecutorConfiguration, address: str) -> None:
        await self._call(configuration, "registryRemove", _registration(configuration, address))

    async def callback(self, configuration: ExecutorConfiguration, items: Sequence[dict[str, Any]]) -> None:
        await self._call(configuration, "callback", list(items))

    async def _call(self, configuration: ExecutorConfiguration, name: str, body: object) -> None:
        reasons = []
        for url in configuration.console_urls:
            reason = await self._post(f"{url}/api/{name}", configuration.token, body)
            if reason is None:
                return
            reasons.append(f"{url}: {reason}")
        raise UpstreamError("; ".join(reasons))

    async def _post(self, url: str, token: str, body: object) -> str | None:
        """None when the console accepted, else why not."""
        headers = {"XXL-JOB-ACCESS-TOKEN": token} if token else {}
        try:
            async with self._session.post(url, json=body, headers=headers, allow_redirects=False) as response:
                text = await _read_all(response.content)
        except TimeoutError:
            return "no answer in time"
        except (aiohttp.ClientError, OSError) as error:
            return f"{type(error).__name__}: {error}"
        if response.status != _SUCCESS:
            return f"HTTP {response.status}"
        return _refusal(text)


async def _read_all(content: aiohttp.StreamReader) -> bytes:
    """The whole answer, in however many pieces it comes; no more than an answer may be long."""
    text = b""
    while len(text) < _LARGEST_ANSWER_BYTES and (piece := await content.read(_LARGEST_ANSWER_BYTES - len(text))):
        text += piece
    return text


def _registration(configuration: ExecutorConfiguration, address: str) -> dict[str, str]:
    return {"registryGroup": "EXECUTOR", "registryKey": configuration.app_name, "registryValue": address}


def _refusal(text: bytes) -> str | None:
    """A refusal comes as HTTP 200 with another code."""
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict) or "code" not in answer:
        return "the answer is not that of an XXL-JOB console"
    if answer["code"] == _SUCCESS:
        return None
    return f"code {answer['code']}: {answer.get('msg')}"[:500]
