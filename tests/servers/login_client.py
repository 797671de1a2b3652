"""What the clients of the servers' own interfaces have in common: connections that are closed, a login when needed."""

from types import TracebackType
from typing import Self

import httpx


class LoginClient:
    """Logs in with the first call that needs it."""

    def __init__(self, *connections: httpx.Client) -> None:
        self._connections = connections
        self._token = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        for connection in self._connections:
            connection.close()

    def login(self) -> str:
        """A new token; raises httpx.HTTPStatusError for wrong credentials or a server that is not ready."""
        self._token = self._fetch_token()
        return self._token

    @property
    def token(self) -> str:
        return self._token or self.login()

    def _fetch_token(self) -> str:
        raise NotImplementedError
