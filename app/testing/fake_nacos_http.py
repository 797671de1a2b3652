"""The HTTP half of the fake Nacos: login and reading, in the dialects of versions 1 and 3."""

import hashlib
import json
import secrets
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from app.testing.fake_nacos import FakeNacos

TOKEN_TTL_SECONDS: Final = 18_000
_ABSENT_IN_V3: Final = 20004
_CONTEXT_PATH: Final = "/nacos"
_LOGINS: Final = {"/v1/auth/users/login": 1, "/v1/auth/login": 1, "/v3/auth/user/login": 3}
_DOCUMENTS: Final = {"/v1/cs/configs": (1, "group", "tenant"), "/v3/client/cs/config": (3, "groupName", "namespaceId")}
Reply = tuple[int, bytes]


class Tokens:
    """Who may read. Without a username, everybody."""

    def __init__(self, username: str, password: str) -> None:
        self.username = username
        self.password = password
        self.refuses_logins = False
        self._valid: set[str] = set()

    def log_in(self, username: str, password: str) -> str | None:
        """A new token, None for wrong credentials."""
        if self.refuses_logins or (username, password) != (self.username, self.password):
            return None
        token = secrets.token_hex(16)
        self._valid.add(token)
        return token

    def accepts(self, token: str) -> bool:
        return not self.username or token in self._valid

    def expire(self) -> None:
        """Every token given so far is refused from now on."""
        self._valid.clear()


class HttpHalf:
    """Answers requests. `versions` are the dialects it knows: 3 alone is Nacos 3.2."""

    def __init__(self, nacos: FakeNacos, tokens: Tokens, group: str) -> None:
        self.versions = {1, 3}
        self._nacos = nacos
        self._tokens = tokens
        self._group = group

    def log_in(self, path: str, form: dict[str, str]) -> Reply:
        if _LOGINS.get(path.removeprefix(_CONTEXT_PATH)) not in self.versions:
            return HTTPStatus.NOT_FOUND, b"no such path"
        token = self._tokens.log_in(form.get("username", ""), form.get("password", ""))
        if token is None:
            return HTTPStatus.FORBIDDEN, b"unknown user!"
        return _json({"accessToken": token, "tokenTtl": TOKEN_TTL_SECONDS, "username": self._tokens.username})

    def read(self, path: str, query: dict[str, str], token: str) -> Reply:
        version, group, tenant = _DOCUMENTS.get(path.removeprefix(_CONTEXT_PATH), (0, "", ""))
        if version not in self.versions:
            return HTTPStatus.NOT_FOUND, b"no such path"
        if not self._tokens.accepts(token):
            return HTTPStatus.FORBIDDEN, b"token invalid!"
        text = self._nacos.answer_read(query.get(tenant, ""), query.get("dataId", ""))
        if query.get(group) != self._group:
            text = None
        return _document_v1(text) if version == 1 else _document_v3(text)


def _document_v1(text: str | None) -> Reply:
    if text is None:
        return HTTPStatus.NOT_FOUND, b"config data not exist"
    return HTTPStatus.OK, text.encode()


def _document_v3(text: str | None) -> Reply:
    if text is None:
        missing = {"code": _ABSENT_IN_V3, "message": "resource not found", "data": None}
        return HTTPStatus.NOT_FOUND, json.dumps(missing).encode()
    return _json({"code": 0, "message": "success", "data": {"content": text, "md5": md5(text)}})


def _json(answer: dict[str, Any]) -> Reply:
    return HTTPStatus.OK, json.dumps(answer).encode()


def md5(text: str) -> str:
    """As Nacos counts it."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


class HttpServer(ThreadingHTTPServer):
    """Serves a half on this machine."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, nacos: FakeNacos, half: HttpHalf, port: int) -> None:
        self.nacos = nacos
        self.half = half
        super().__init__(("127.0.0.1", port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: HttpServer

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        self._answer(lambda: self.server.half.read(address.path, _flat(address.query), self._token()))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self._answer(lambda: self.server.half.log_in(urlsplit(self.path).path, _flat(body)))

    def _token(self) -> str:
        return self.headers.get("accessToken", "")

    def _answer(self, reply: Any) -> None:
        self.server.nacos.wait_until_free()
        if not self.server.nacos.http_answers:
            self.close_connection = True
            return
        status, body = reply()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's parameter
        return


def _flat(query: str) -> dict[str, str]:
    return {key: values[-1] for key, values in parse_qs(query, keep_blank_values=True).items()}
