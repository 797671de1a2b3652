"""Nacos over its v1 HTTP interface: what a colleague at the console does, independent of the code under test."""

import httpx

from servers.login_client import LoginClient

DEFAULT_GROUP = "DEFAULT_GROUP"


class NacosClient(LoginClient):
    """Publishes and reads documents."""

    def __init__(self, address: str, username: str, password: str) -> None:
        self._http = httpx.Client(base_url=f"http://{address}/nacos/v1", timeout=10, trust_env=False)
        super().__init__(self._http)
        self._credentials = {"username": username, "password": password}

    def _fetch_token(self) -> str:
        answer = self._http.post("/auth/login", data=self._credentials)
        answer.raise_for_status()
        return str(answer.json()["accessToken"])

    def publish(self, data_id: str, content: str, *, group: str = DEFAULT_GROUP, namespace: str = "") -> None:
        """Creates the document or replaces it."""
        self._ask("POST", data_id, group, namespace, data={"content": content}).raise_for_status()

    def find(self, data_id: str, *, group: str = DEFAULT_GROUP, namespace: str = "") -> str | None:
        """The document's text, or None when there is none."""
        answer = self._ask("GET", data_id, group, namespace)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        answer.raise_for_status()
        return answer.text

    def delete(self, data_id: str, *, group: str = DEFAULT_GROUP, namespace: str = "") -> None:
        self._ask("DELETE", data_id, group, namespace).raise_for_status()

    def _ask(
        self, method: str, data_id: str, group: str, namespace: str, data: dict[str, str] | None = None
    ) -> httpx.Response:
        key = {"dataId": data_id, "group": group, "tenant": namespace}
        headers = {"accessToken": self.token}
        if data is None:
            return self._http.request(method, "/cs/configs", params=key, headers=headers)
        return self._http.request(method, "/cs/configs", data={**key, **data}, headers=headers)
