"""Calling Nacos' HTTP interface: whichever server answers, never by a proxy, never more than is reasonable to read."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import httpx

from app.config.document import MAX_DOCUMENT_BYTES
from app.config.nacos_config import NacosConnection
from app.config.sources.nacos_session import Unreachable

MAX_ANSWER_BYTES: Final = 4 * MAX_DOCUMENT_BYTES  # JSON escapes
UNIMPLEMENTED: Final = frozenset(
    {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.GONE, HTTPStatus.NOT_IMPLEMENTED}
)
"""How the versions say that they don't have a path."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes


class NacosApi:
    """Calls the servers in turn, starting with the one that answered last."""

    def __init__(
        self,
        connection: NacosConnection,
        *,
        timeout_seconds: float = 3.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._addresses = list(connection.addresses)
        self._ca_file = str(connection.ca_file) if connection.ca_file else None
        self._is_tls = connection.is_tls
        self._timeout_seconds = timeout_seconds
        self._transport = transport
        self._client: httpx.AsyncClient | None = None

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The first answer below 500, else the last server's. Raises Unreachable when none answers."""
        failures: list[str] = []
        answer: Answer | None = None
        for address in tuple(self._addresses):
            request = self._http().build_request(method, address.url + path, params=params, data=form, headers=headers)
            try:
                answer = await self._send(request)
            except (httpx.HTTPError, ssl.SSLError, OSError) as error:
                failures.append(f"{address.url}: {type(error).__name__}")
                continue
            if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                self._addresses.sort(key=lambda each, good=address: each is not good)  # type: ignore[misc]
                return answer
        if answer is None:
            raise Unreachable(f"no Nacos server answers over HTTP ({'; '.join(failures)})")
        return answer

    async def _send(self, request: httpx.Request) -> Answer:
        response = await self._http().send(request, stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    break
            return Answer(response.status_code, bytes(body))
        finally:
            await response.aclose()

    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            # For plain HTTP an empty context: loading the system's authorities costs 30 ms of the start.
            verify = (
                ssl.create_default_context(cafile=self._ca_file)
                if self._is_tls
                else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            )
            # trust_env off: proxy variables are meant for the way out, and Nacos is inside.
            self._client = httpx.AsyncClient(
                timeout=self._timeout_seconds, transport=self._transport, trust_env=False, verify=verify
            )
        return self._client

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None
