"""`httpJobHandler`: one HTTP request to a host that the settings name."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any, Final

import httpx
from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from app.common.errors import AuthorizationError, DeadlineExceeded, UpstreamError, ValidationError
from app.jobs.arguments import parse_args
from app.jobs.context import JobContext

HANDLER: Final = "httpJobHandler"
SETTING: Final = "xxl-job.scripts.http_hosts"
SHOWN_BYTES: Final = 10_000
DEFAULT_TIMEOUT_MILLISECONDS: Final = 10_000


class HttpRequest(BaseModel):
    """The parameter, with the names of Java's sample handler."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    url: str
    method: str = Field("GET", pattern=r"^[A-Za-z]{1,10}$")
    content_type: str = Field("", alias="contentType")
    headers: Mapping[str, str] = Field(default_factory=dict)
    cookies: Mapping[str, str] = Field(default_factory=dict)
    timeout: int = Field(DEFAULT_TIMEOUT_MILLISECONDS, ge=1, le=3_600_000, description="milliseconds")
    data: Any = Field(None, validation_alias=AliasChoices("data", "body"))
    form: Mapping[str, str] | None = None
    auth: str = Field("", description="value of the header Authorization")

    def options(self) -> dict[str, Any]:
        """For the outgoing client. Data that isn't text is sent as JSON."""
        headers = dict(self.headers)
        if self.content_type:
            headers["Content-Type"] = self.content_type
        if self.auth:
            headers["Authorization"] = self.auth
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        options: dict[str, Any] = {"headers": headers, "timeout": self.timeout / 1000}
        if self.form is not None:
            options["data"] = dict(self.form)
        elif isinstance(self.data, str):
            options["content"] = self.data.encode()
        elif self.data is not None:
            options["json"] = self.data
        return options


def parse_request(param: str) -> HttpRequest:
    """Raises ValidationError."""
    return parse_args(HttpRequest, param)


def check_host(request: HttpRequest, allowed: Collection[str]) -> None:
    """`api.example.com`, `api.example.com:8080` or `*.example.com`. Raises ValidationError, AuthorizationError."""
    try:
        url = httpx.URL(request.url)
    except httpx.InvalidURL:
        raise ValidationError("url is not a URL") from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise ValidationError("url must begin with http:// or https://")
    host = url.host.lower().rstrip(".")
    if not any(_matches(host, url.port, entry.lower()) for entry in allowed):
        raise AuthorizationError(f"host [{host[:80]}] is not allowed here: {SETTING} doesn't name it")


def _matches(host: str, port: int | None, entry: str) -> bool:
    if entry.startswith("*."):
        return host.endswith(entry[1:])
    return entry in {host, f"{host}:{port}"}


async def call_http(allowed: Collection[str], context: JobContext) -> str:
    """Status 200 is success; the answer's beginning is in the log. Redirects are not followed: they may lead away."""
    request = parse_request(context.param)
    check_host(request, allowed)
    try:
        async with (
            asyncio.timeout(request.timeout / 1000),
            context.runtime.http.stream(request.method.upper(), request.url, **request.options()) as response,
        ):
            text = await _beginning(response)
    except TimeoutError:
        raise DeadlineExceeded(f"no answer within {request.timeout} ms") from None
    context.log.bind(status=response.status_code, answer=text).info("http answer")
    if response.status_code != httpx.codes.OK:
        raise UpstreamError(f"Http StatusCode({response.status_code}) is failed")
    return ""


async def _beginning(response: httpx.Response) -> str:
    data = b""
    async for chunk in response.aiter_bytes():
        data += chunk
        if len(data) >= SHOWN_BYTES:
            break
    return data[:SHOWN_BYTES].decode(response.encoding or "utf-8", "replace")
