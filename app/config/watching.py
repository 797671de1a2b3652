"""What keeps LiveSettings up to date: the source's watch, the retries, and the signal between processes."""

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Final

from app.common.errors import SourceUnavailable
from app.common.logger import log
from app.common.supervision import failure_of
from app.config.live import LiveSettings
from app.config.sources.base import Trigger

FIRST_RETRY_SECONDS: Final = 5.0
LONGEST_RETRY_SECONDS: Final = 300.0
LOOK_SECONDS: Final = 0.5
RESTART_SECONDS: Final = 1.0

Work = Callable[[], Coroutine[None, None, None]]


class RefreshSignal:
    """A file through which one process asks every other one on this DATA_DIR to refresh too."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._read()

    def send(self) -> None:
        """Asks the others. Raises OSError when the folder can't be written."""
        token = secrets.token_hex(8)
        draft = self._path.with_name(f".{self._path.name}.{token}")
        draft.write_text(token)
        self._seen = token
        draft.replace(self._path)

    def received(self) -> bool:
        """Whether another process has asked since the last look."""
        token = self._read()
        changed = token != self._seen
        self._seen = token
        return changed

    def _read(self) -> str:
        try:
            return self._path.read_text()
        except OSError:
            return ""


class SettingsWatch:
    """Owns the tasks that call LiveSettings when something may have changed."""

    def __init__(
        self, live: LiveSettings, signal: RefreshSignal, *, first_retry_seconds: float = FIRST_RETRY_SECONDS
    ) -> None:
        self._live = live
        self._signal = signal
        self._first_retry_seconds = first_retry_seconds
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        works: tuple[Work, ...] = (self._watch_source, self._retry, self._listen_to_signal)
        self._tasks = [
            asyncio.create_task(self._keep_running(work), name=f"settings {work.__name__}") for work in works
        ]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep_running(self, work: Work) -> None:
        while True:
            if error := await failure_of(work()):
                log.bind(task=work.__name__).opt(exception=error).error("settings task failed, it starts again")
            await asyncio.sleep(RESTART_SECONDS)

    async def _watch_source(self) -> None:
        await self._live.source.watch(self._live.apply)

    async def _listen_to_signal(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self._signal.received():
                try:
                    await self._live.pull(Trigger.REFRESH)
                except SourceUnavailable as error:
                    log.bind(reason=error.message).warning("settings could not be refreshed")

    async def _retry(self) -> None:
        """Missing resources and pending texts: 5 s, 10 s, … 5 min, from the start again for each new matter."""
        matter: object = None
        wait = elapsed = 0.0
        while True:
            await asyncio.sleep(min(LOOK_SECONDS, self._first_retry_seconds))
            refusal = self._live.refusal
            pending = refusal.documents.md5 if refusal and refusal.is_pending else None
            present = (pending, tuple(self._live.missing))
            if present != matter:
                matter, wait, elapsed = present, self._first_retry_seconds, 0.0
            elapsed += min(LOOK_SECONDS, self._first_retry_seconds)
            if elapsed >= wait and (pending or self._live.missing):
                await self._live.prepare_missing()
                await self._live.retry_pending()
                wait, elapsed = min(wait * 2, LONGEST_RETRY_SECONDS), 0.0
