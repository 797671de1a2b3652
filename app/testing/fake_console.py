"""A console in the test's own process: speaks as XXL-JOB's do, keeps what it was told, fails on demand."""

import json
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from app.testing.console_calls import ConsoleCalls
from app.testing.console_dialect import Caller, ConsoleDialect, outcome_of, read_callbacks, refusal_of_caller
from app.testing.console_faults import Fault, Faults
from app.testing.console_http import ConsoleServer, handler_for

__all__ = ["ConsoleDialect", "FakeConsole", "Fault"]

_TOKEN = "XXL-JOB-ACCESS-TOKEN"  # noqa: S105 - a header's name
_APP_NAME = "XXL-JOB-APPNAME"


class FakeConsole:
    """`with FakeConsole() as console:` then point `xxl-job.url` at `console.url`, `access_token` at `console.token`.

    Change `dialect` and it is another version from then on; set `fault`, or `script` several, and it fails.
    """

    def __init__(
        self,
        token: str = "fake-console-token",  # noqa: S107 - a double's token
        port: int = 0,
        *,
        dialect: str = ConsoleDialect.V3_3,
        path: str = "/xxl-job-admin",
        app_name: str = "",
        slow_seconds: float = 10.0,
    ) -> None:
        """`path`: the context path, or empty. `app_name`: the only group a 3.5 console knows; empty: any."""
        self.token = token
        self.path = path
        self.app_name = app_name
        self.dialect = ConsoleDialect(dialect)
        self.faults = Faults(slow_seconds)
        self.poison: set[int] = set()
        """Log ids: a callback request that holds one of them is refused as a whole."""
        self.requests: list[tuple[str, Any]] = []
        """Every request with a body that could be read, in order: name and body; refused ones too."""
        self.headers: list[Mapping[str, str]] = []
        """Those of each request, by their names in capitals."""
        self.registrations: list[dict[str, str]] = []
        self.removals: list[dict[str, str]] = []
        self.callbacks: list[dict[str, Any]] = []
        """Accepted callbacks, in order, one by one, as they were sent."""
        self.calls = ConsoleCalls(lambda: self.dialect, self._headers_for)
        self._outcomes: dict[int, tuple[int, Any]] = {}
        self._port = port
        self._server: ConsoleServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}{self.path}"

    @property
    def fault(self) -> Fault | None:
        """How it fails, until it is set to None again."""
        return self.faults.current

    @fault.setter
    def fault(self, fault: Fault | None) -> None:
        self.faults.set(fault)

    def script(self, *faults: Fault | None) -> None:
        """How it fares with the next requests, one each."""
        self.faults.script(faults)

    def callback_of(self, log_id: int) -> dict[str, Any] | None:
        """The first accepted callback of a run, or None."""
        return next((item for item in list(self.callbacks) if item["logId"] == log_id), None)

    def outcome_of(self, log_id: int) -> tuple[int, Any] | None:
        """Code and message as this console understood them when it was told first, or None."""
        return self._outcomes.get(log_id)

    def start(self) -> None:
        """Listens; after `stop` on the same port again."""
        self._server = ConsoleServer(("127.0.0.1", self._port), handler_for(self))
        self._port = self._server.server_address[1]
        serve = self._server.serve_forever
        self._thread = threading.Thread(target=serve, args=(0.02,), name="fake-console", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Is down: connections are refused."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = self._thread = None
        self.faults.set(self.fault)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def answer(self, name: str, headers: Mapping[str, str], raw: bytes, *, refuse: bool = False) -> dict[str, Any]:
        """What the console says to one request that reached it."""
        body = json.loads(raw)
        self.requests.append((name, body))
        self.headers.append(headers)
        refusal = self._refusal(headers, refuse=refuse) or self._take(name, body)
        return self.dialect.accepted() if refusal is None else self.dialect.refused(refusal)

    def _refusal(self, headers: Mapping[str, str], *, refuse: bool) -> str | None:
        caller = Caller(headers.get(_TOKEN) or "", headers.get(_APP_NAME) or "")
        expected = Caller("\0nobody" if refuse else self.token, self.app_name)
        return refusal_of_caller(self.dialect, caller, expected)

    def _take(self, name: str, body: Any) -> str | None:
        if name != "callback":
            (self.registrations if name == "registry" else self.removals).append(body)
            return None
        items = read_callbacks(self.dialect, body)
        if isinstance(items, str):
            return items
        if self.poison & {item["logId"] for item in items}:
            return "openapi invoke error: null"
        for item in items:
            self._outcomes.setdefault(item["logId"], outcome_of(self.dialect, item))
        self.callbacks.extend(items)
        return None

    def _headers_for(self, address: str) -> dict[str, str]:
        """What an executor learns of this console; a 3.5 one names the app that registered the address."""
        headers = {_TOKEN: self.token} if self.token else {}
        if self.dialect.is_3_5:
            names = {one["registryValue"].rstrip("/"): one["registryKey"] for one in list(self.registrations)}
            headers[_APP_NAME] = names.get(address.rstrip("/"), self.app_name)
        return headers
