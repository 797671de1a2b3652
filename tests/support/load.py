"""Triggers as consoles send them, many at a time, and what became of each."""

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http.client import HTTPConnection, HTTPException
from typing import Any, Final

from servers.ports import HOST
from support.executor import trigger

CONSOLE_WAITS_SECONDS: Final = 3.0
LOOK_AGAIN_SECONDS: Final = 0.1
_log_ids = itertools.count(1_000_000)


class Answered(StrEnum):
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNREACHED = "unreached"
    """Nobody listened: the request was never sent."""
    SILENT = "silent"
    """It was sent, or a part of it, and no answer came."""


@dataclass(frozen=True)
class Sent:
    """One trigger and its answer."""

    body: dict[str, Any]
    answered: Answered
    message: str | None
    seconds: float

    @property
    def log_id(self) -> int:
        return int(self.body["logId"])


@dataclass
class Load:
    """Sends triggers to one executor and keeps what was answered. Callable from any thread."""

    port: int
    token: str
    sent: list[Sent] = field(default_factory=list)

    def build(self, handler: str = "note_run", **fields: Any) -> dict[str, Any]:
        """The trigger of a new run, of a job of its own unless `fields` say which."""
        log_id = next(_log_ids)
        now = time.time_ns() // 1_000_000
        return trigger(handler, **{"logId": log_id, "jobId": log_id, "logDateTime": now, **fields})

    def send(self, handler: str = "note_run", **fields: Any) -> Sent:
        return self.send_body(self.build(handler, **fields))

    def send_body(self, body: dict[str, Any]) -> Sent:
        begun = time.monotonic()
        answered, message = self._ask(json.dumps(body).encode())
        sent = Sent(body, answered, message, time.monotonic() - begun)
        self.sent.append(sent)
        return sent

    def send_many(self, count: int, handler: str = "note_run", *, threads: int = 8, **fields: Any) -> list[Sent]:
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(lambda _: self.send(handler, **fields), range(count)))

    @contextmanager
    def going_on(
        self, new_fields: Callable[[], dict[str, Any]], *, threads: int = 4, pause_seconds: float = 0.005
    ) -> Iterator[None]:
        """Sends without a break until the block ends, whether anybody answers or not."""
        over = threading.Event()

        def work() -> None:
            pause = pause_seconds
            while not over.wait(pause):
                sent = self.send(**new_fields())
                pause = LOOK_AGAIN_SECONDS if sent.answered is Answered.UNREACHED else pause_seconds

        with ThreadPoolExecutor(threads) as pool:
            workers = [pool.submit(work) for _ in range(threads)]
            try:
                yield
            finally:
                over.set()
        for worker in workers:
            worker.result()

    def _ask(self, raw: bytes) -> tuple[Answered, str | None]:
        headers = {"Content-Type": "application/json", "XXL-JOB-ACCESS-TOKEN": self.token, "User-Agent": "Java/17.0.15"}
        connection = HTTPConnection(HOST, self.port, timeout=CONSOLE_WAITS_SECONDS)
        try:
            connection.connect()
        except OSError as error:
            return Answered.UNREACHED, str(error)
        try:
            connection.request("POST", "/run", raw, headers)
            answer = json.loads(connection.getresponse().read())
        except (OSError, HTTPException, ValueError) as error:
            return Answered.SILENT, repr(error)
        finally:
            connection.close()
        return (Answered.ACCEPTED if answer["code"] == 200 else Answered.REFUSED), answer["msg"]
