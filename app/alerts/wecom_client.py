"""Posts one message to a WeCom robot and says what became of it. The key never leaves this file."""

import functools
import json
import ssl
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.request import getproxies, proxy_bypass

import httpx

from app.common.const import MASK
from app.common.redaction import redact
from app.common.utils.wechat_msg_util import Payload

_SERVER_ERROR: Final = 500
_LONGEST_REASON: Final = 300


class Verdict(StrEnum):
    """What an answer means for the message."""

    ACCEPTED = "accepted"
    TOO_MANY = "too_many"
    TOO_LONG = "too_long"
    BAD_KEY = "bad_key"
    REFUSED = "refused"
    RETRY = "retry"


_VERDICTS: Final = {
    -1: Verdict.RETRY,
    0: Verdict.ACCEPTED,
    40058: Verdict.TOO_LONG,
    45009: Verdict.TOO_MANY,
    93000: Verdict.BAD_KEY,
    130101: Verdict.TOO_MANY,
}


@dataclass(frozen=True)
class Answer:
    """The verdict, and the reason in words without the key."""

    verdict: Verdict
    reason: str


class WecomClient:
    """Used by one thread. Honours the proxy variables.

    It works on httpx's transport, not on its client: the client logs every URL, and here the URL holds the key.
    """

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout = httpx.Timeout(timeout_seconds).as_dict()
        self._transports: dict[str | None, httpx.HTTPTransport] = {}

    def send(self, base_url: str, key: str, payload: Payload) -> Answer:
        """Sends the message once. Never raises for what the network or the robot does."""
        try:
            url = httpx.URL(f"{base_url.rstrip('/')}/cgi-bin/webhook/send", params={"key": key})
            request = httpx.Request("POST", url, json=payload, extensions={"timeout": self._timeout})
            response = self._transport(url).handle_request(request)
            try:
                response.read()
            finally:
                response.close()
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            return Answer(Verdict.RETRY, _without(key, f"{type(error).__name__}: {error}"))
        answer = _judge(response.status_code, response.text)
        return Answer(answer.verdict, _without(key, answer.reason))

    def close(self) -> None:
        """Closes the connections."""
        for transport in self._transports.values():
            transport.close()
        self._transports.clear()

    def _transport(self, url: httpx.URL) -> httpx.HTTPTransport:
        proxies = {} if proxy_bypass(url.host) else getproxies()
        proxy = proxies.get(url.scheme) or proxies.get("all")
        if proxy and "://" not in proxy:
            proxy = f"http://{proxy}"
        if proxy not in self._transports:
            self._transports[proxy] = httpx.HTTPTransport(verify=_ssl_context(), proxy=proxy)
        return self._transports[proxy]


@functools.cache
def _ssl_context() -> ssl.SSLContext:
    """Reading the certificate authorities takes tens of milliseconds: once a process."""
    return httpx.create_ssl_context()


def _judge(status: int, body: str) -> Answer:
    if status >= _SERVER_ERROR:
        return Answer(Verdict.RETRY, f"HTTP {status}")
    try:
        document = json.loads(body)
        code = int(document["errcode"])
    except (ValueError, TypeError, KeyError):
        return Answer(Verdict.REFUSED, f"HTTP {status} without errcode: {body}")
    return Answer(_VERDICTS.get(code, Verdict.REFUSED), f"errcode {code}: {document.get('errmsg', '')}")


def _without(key: str, reason: str) -> str:
    return redact(reason.replace(key, MASK))[:_LONGEST_REASON]
