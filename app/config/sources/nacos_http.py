"""Reading documents over Nacos' HTTP interface, in the dialects that exist."""

import json
from http import HTTPStatus
from typing import Final

from app.common.errors import SourceUnavailable
from app.config.nacos_config import NacosConnection
from app.config.sources.nacos_api import MAX_ANSWER_BYTES, UNIMPLEMENTED, Answer, NacosApi
from app.config.sources.nacos_login import NacosLogin
from app.config.sources.nacos_text import checked_text, too_large

_ABSENT_IN_V1: Final = b"config data not exist"
_ABSENT_IN_V3: Final = 20004
_REFUSED: Final = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


class NacosHttp:
    """Reads documents over HTTP: version 1, which Nacos 1.x to 3.1 answer, else the client interface of version 3."""

    def __init__(self, connection: NacosConnection, api: NacosApi, login: NacosLogin) -> None:
        self._group = connection.group
        self._api = api
        self._login = login
        self._speaks_v3 = False

    async def read(self, namespace: str, data_id: str) -> str | None:
        answer = await self._ask(namespace, data_id)
        if answer.status in UNIMPLEMENTED and not self._is_absent(answer):
            self._speaks_v3 = not self._speaks_v3
            answer = await self._ask(namespace, data_id)
        if self._is_absent(answer):
            return None
        if answer.status != HTTPStatus.OK:
            raise SourceUnavailable(f"reading {data_id} was answered with HTTP {answer.status}")
        return checked_text(data_id, self._content(data_id, answer.body))

    async def _ask(self, namespace: str, data_id: str) -> Answer:
        """The answer with a token that the server accepts: a refused one is forgotten and fetched anew, once."""
        token = await self._login.token()
        answer = await self._get(namespace, data_id, token)
        if token and _is_refusal(answer):
            self._login.forget(token)
            answer = await self._get(namespace, data_id, await self._login.token())
        if _is_refusal(answer):
            raise SourceUnavailable(
                f"Nacos refuses to let {data_id} be read (HTTP {answer.status}): "
                "check nacos.username and its permission on the namespace"
            )
        return answer

    async def _get(self, namespace: str, data_id: str, token: str) -> Answer:
        headers = {"accessToken": token} if token else {}
        if self._speaks_v3:
            path, group, tenant = "/v3/client/cs/config", "groupName", "namespaceId"
        else:
            path, group, tenant = "/v1/cs/configs", "group", "tenant"
        params = {"dataId": data_id, group: self._group, tenant: namespace}
        return await self._api.call("GET", path, params=params, headers=headers)

    def _is_absent(self, answer: Answer) -> bool:
        if not self._speaks_v3:
            return answer.status == HTTPStatus.NOT_FOUND and _ABSENT_IN_V1 in answer.body
        return answer.status in {HTTPStatus.OK, HTTPStatus.NOT_FOUND} and _v3(answer.body).get("code") == _ABSENT_IN_V3

    def _content(self, data_id: str, body: bytes) -> str:
        if len(body) > MAX_ANSWER_BYTES:
            raise too_large(data_id)
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise SourceUnavailable(f"{data_id} is not UTF-8") from None
        if not self._speaks_v3:
            return text
        data = _v3(body).get("data")
        content = data.get("content") if isinstance(data, dict) else None
        if not isinstance(content, str):
            raise SourceUnavailable(f"reading {data_id} was answered with something that is no document")
        return content


def _is_refusal(answer: Answer) -> bool:
    # rnacos says 500 `unknown user!` on some paths where Nacos says 403.
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return b"unknown user" in answer.body
    return answer.status in _REFUSED


def _v3(body: bytes) -> dict[str, object]:
    try:
        parsed = json.loads(body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
