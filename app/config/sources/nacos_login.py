"""The access token: one login for everything that talks to Nacos, renewed in time, and not asked for too often."""

import asyncio
import json
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from app.common.errors import SourceUnavailable
from app.common.redaction import forget_secrets, register_secret
from app.config.nacos_config import NacosConnection
from app.config.sources.nacos_api import UNIMPLEMENTED, NacosApi

_PATHS: Final = ("/v1/auth/users/login", "/v3/auth/user/login")
_RENEW_AFTER: Final = 0.9  # of the token's life
_DEFAULT_TTL_SECONDS: Final = 1800.0
_MAX_PAUSE_SECONDS: Final = 60.0


class NacosLogin:
    """Logs in with the password in a form body: in a query it would stand in the server's access log."""

    def __init__(
        self, connection: NacosConnection, api: NacosApi, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._username = connection.username
        self._password = connection.password
        self._api = api
        self._clock = clock
        self._lock = asyncio.Lock()
        self._token = ""
        self._renew_at = 0.0
        self._refusals = 0
        self._refused_until = 0.0
        self._refusal = ""

    async def token(self) -> str:
        """A token believed valid; "" without credentials. Raises SourceUnavailable.

        A refused login is not repeated at once: a server counts them, and locks the user out.
        """
        if not self._username:
            return ""
        async with self._lock:
            if not self._token or self._clock() >= self._renew_at:
                if self._clock() < self._refused_until:
                    raise SourceUnavailable(self._refusal)
                await self._log_in()
            return self._token

    def forget(self, token: str) -> None:
        """The server did not accept this token: the next one is fetched anew."""
        if token == self._token:
            self._token = ""

    async def _log_in(self) -> None:
        form = {"username": self._username, "password": self._password.get_secret_value()}
        answer = await self._api.call("POST", _PATHS[0], form=form)
        if answer.status in UNIMPLEMENTED:
            answer = await self._api.call("POST", _PATHS[1], form=form)
        token, ttl_seconds = _parse(answer.body) if answer.status == HTTPStatus.OK else ("", 0.0)
        if not token:
            self._note_refusal(answer.status)
        forget_secrets((self._token,))
        register_secret(token)
        self._token = token
        self._renew_at = self._clock() + ttl_seconds * _RENEW_AFTER
        self._refusals = 0

    def _note_refusal(self, status: int) -> None:
        self._token = ""
        pause = min(2.0**self._refusals, _MAX_PAUSE_SECONDS)
        self._refusals += 1
        self._refused_until = self._clock() + pause
        self._refusal = f"Nacos refuses the login (HTTP {status}): check nacos.username and nacos.password"
        raise SourceUnavailable(self._refusal)


def _parse(body: bytes) -> tuple[str, float]:
    """Token and life in seconds; version 3 may wrap them in `data`."""
    try:
        answer = json.loads(body)
    except ValueError:
        return "", 0.0
    fields = answer.get("data", answer) if isinstance(answer, dict) else {}
    token = fields.get("accessToken") if isinstance(fields, dict) else None
    if not isinstance(token, str):
        return "", 0.0
    ttl = fields.get("tokenTtl")
    return token, float(ttl) if isinstance(ttl, int | float) and ttl > 0 else _DEFAULT_TTL_SECONDS
