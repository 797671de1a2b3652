"""The console's other half: what it asks of an executor, in the words of its version."""

import itertools
import json
import time
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Any, Final, cast
from urllib.parse import urlsplit

from app.testing.console_dialect import ConsoleDialect

TIMEOUT_SECONDS: Final = 3.0
"""As long as a real console waits."""
OK: Final = HTTPStatus.OK.value


class ConsoleCalls:
    """Asks executors; each call returns the answer, whatever its code. Blocks: in a coroutine use a thread."""

    def __init__(self, speak: Callable[[], ConsoleDialect], headers_for: Callable[[str], dict[str, str]]) -> None:
        """`headers_for`: what the executor at an address is told of the caller."""
        self._speak = speak
        self._headers_for = headers_for
        self._log_ids = itertools.count(1)

    def build_trigger(self, handler: str, **fields: Any) -> dict[str, Any]:
        """A trigger's body; without `logId` and `logDateTime` those of a new run."""
        return {
            "jobId": 4,
            "executorHandler": handler,
            "executorParams": "",
            "executorBlockStrategy": "SERIAL_EXECUTION",
            "executorTimeout": 0,
            "logId": fields.get("logId") or next(self._log_ids),
            "logDateTime": time.time_ns() // 1_000_000,
            "glueType": "BEAN",
            "glueSource": "",
            "glueUpdatetime": 1795359934000,
            "broadcastIndex": 0,
            "broadcastTotal": 1,
            **fields,
        }

    def trigger(self, address: str, handler: str, **fields: Any) -> dict[str, Any]:
        """The trigger's body, after the executor has accepted it; AssertionError with its answer when it didn't."""
        body = self.build_trigger(handler, **fields)
        answer = self.ask(address, self._speak().trigger_path, body)
        if answer["code"] != OK:
            raise AssertionError(f"the executor refused: {answer}")
        return body

    def beat(self, address: str) -> dict[str, Any]:
        return self.ask(address, "/beat")

    def idle_beat(self, address: str, job_id: int) -> dict[str, Any]:
        return self.ask(address, "/idleBeat", {"jobId": job_id})

    def kill(self, address: str, job_id: int) -> dict[str, Any]:
        return self.ask(address, "/kill", {"jobId": job_id})

    def read_log(self, address: str, log_id: int, log_date_time: int, from_line: int = 1) -> dict[str, Any]:
        """The page, as that console finds it in the answer. It knows the time to the second only."""
        dialect = self._speak()
        seconds = log_date_time // 1000 * 1000
        answer = self.ask(address, "/log", {"logId": log_id, dialect.time_field: seconds, "fromLineNum": from_line})
        return cast("dict[str, Any]", answer[dialect.page_field])

    def ask(self, address: str, path: str, body: Any = None) -> dict[str, Any]:
        """One request; a console adds the path to the registered address, with or without a slash at its end."""
        headers = {"User-Agent": "Java/17.0.15", "Content-Type": "application/json", **self._headers_for(address)}
        connection = HTTPConnection(urlsplit(address).netloc, timeout=TIMEOUT_SECONDS)
        try:
            raw = None if body is None else json.dumps(body).encode()
            connection.request("POST", urlsplit(address).path.rstrip("/") + path, raw, headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status != OK:
            raise AssertionError(f"the executor answered HTTP {answer.status}")
        return cast("dict[str, Any]", json.loads(text))
