"""The console as the executor calls it: registry, registryRemove, callback."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from app.common.errors import UpstreamError
from app.config.xxl_job_config import ExecutorConfiguration
from app.xxl_job.executor.callback import Callback
from app.xxl_job.executor.console_addresses import ConsoleAddress, ConsoleAddresses
from app.xxl_job.executor.console_connections import ConsoleConnections
from app.xxl_job.executor.dialect import (
    Dialect,
    asks_for_app_name,
    encode_callbacks,
    encode_registration,
    headers_for,
)

TIMEOUT_SECONDS: Final = 10.0
_SUCCESS: Final = 200

Encode = Callable[[Dialect], bytes]


@dataclass(frozen=True)
class Reply:
    """How one request fared."""

    refusal: str | None = None
    """Why it wasn't accepted; None when it was."""
    message: object = None
    """What an XXL-JOB console gave as its reason."""
    answered: bool = True
    """Something spoke HTTP."""


ACCEPTED: Final = Reply()


class ConsoleClient:
    """Calls the addresses of a configuration until one accepts, each in its dialect. Proxy variables are ignored."""

    def __init__(self, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._connections = ConsoleConnections(timeout_seconds)
        self._addresses = ConsoleAddresses()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._connections.close()

    async def register(self, configuration: ExecutorConfiguration, address: str) -> None:
        """Raises UpstreamError with the reason of every address that didn't accept; so do the other calls."""
        await self._call(configuration, "registry", lambda _: encode_registration(configuration, address))

    async def deregister(self, configuration: ExecutorConfiguration, address: str) -> None:
        await self._call(configuration, "registryRemove", lambda _: encode_registration(configuration, address))

    async def callback(self, configuration: ExecutorConfiguration, callbacks: Sequence[Callback]) -> None:
        await self._call(configuration, "callback", lambda dialect: encode_callbacks(dialect, callbacks))

    async def _call(self, configuration: ExecutorConfiguration, name: str, encode: Encode) -> None:
        reasons = []
        for address in self._addresses.in_order(configuration.console_urls):
            refusal = await self._ask(address, configuration, name, encode)
            if refusal is None:
                self._addresses.prefer(address)
                return
            reasons.append(f"{address.url}: {refusal}")
        raise UpstreamError("; ".join(reasons))

    async def _ask(
        self, address: ConsoleAddress, configuration: ExecutorConfiguration, name: str, encode: Encode
    ) -> str | None:
        """Why this address didn't accept, or None. Finds out what it speaks when it refuses what it spoke before."""

        async def send(dialect: Dialect) -> Reply:
            url = f"{address.url}/api/{name}"
            reply = await self._post(url, headers_for(dialect, configuration), encode(dialect))
            if reply.refusal is None:
                address.speaks(dialect)
            return reply

        dialect = address.dialect or Dialect.CLASSIC
        reply = await send(dialect)
        if not reply.answered:
            address.dialect = None
        elif reply.refusal is not None and dialect is Dialect.V3_5:
            second = await send(Dialect.CLASSIC)
            return reply.refusal if asks_for_app_name(second.message) else second.refusal
        elif asks_for_app_name(reply.message):
            address.speaks(Dialect.V3_5)
            return (await send(Dialect.V3_5)).refusal
        return reply.refusal

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> Reply:
        try:
            status, text = await self._connections.post(url, headers, body)
        except TimeoutError:
            return Reply("no answer in time", answered=False)
        except UpstreamError as error:
            return Reply(f"{type(error).__name__}: {error.message}", answered=False)
        except (OSError, ValueError) as error:
            return Reply(f"{type(error).__name__}: {error}", answered=False)
        return _read(text) if status == _SUCCESS else Reply(f"HTTP {status}")


def _read(text: bytes) -> Reply:
    """A refusal comes as HTTP 200 with another code."""
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict) or "code" not in answer:
        return Reply("the answer is not that of an XXL-JOB console")
    if answer["code"] == _SUCCESS:
        return ACCEPTED
    message = answer.get("msg")
    return Reply(f"code {answer['code']}: {message}"[:500], message)
