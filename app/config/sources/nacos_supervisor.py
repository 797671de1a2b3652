"""Keeps the listener alive, and does not believe it: what it should have told is compared with what can be read."""

import asyncio
import random
import time
from dataclasses import dataclass
from typing import Final

from app.common.errors import AppError
from app.common.redaction import redact
from app.common.supervision import failure_of
from app.config.sources.base import Trigger
from app.config.sources.nacos_reader import DocumentReader
from app.config.sources.nacos_session import Connect, NacosSession
from app.config.sources.nacos_state import NacosState

_JITTER: Final = 0.2


@dataclass(frozen=True)
class Timing:
    """Seconds. Tests take shorter ones."""

    start_delay: float = 1.0  # loading the SDK is a second of work that the first requests shall not share
    connect: float = 20.0  # loading, login and connecting
    check: float = 1.0  # how often a session is asked whether it lives
    compare: float = 30.0
    confirm: float = 2.0  # servers read stale for this long after a publish
    grace: float = 6.0  # the time a session has to tell of a change before it counts as deaf
    unconnected: float = 20.0  # the SDK reconnects by itself, in up to 8 s after a long outage
    pause: float = 1.0  # after the first failure; doubled by each further one
    max_pause: float = 30.0

    def backoff(self, failures: int, limit: float) -> float:
        return _spread(min(self.pause * 2.0 ** min(failures, 16), limit))


def _spread(seconds: float) -> float:
    """So that many processes don't ask at the same moment."""
    return seconds * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - not for secrets


class Listener:
    """Has one session at a time; replaces it when it is dead, deaf, or in the wrong namespace."""

    def __init__(self, reader: DocumentReader, state: NacosState, connect: Connect, timing: Timing) -> None:
        self.rebuilds = 0
        self.caught_up_wanted = asyncio.Event()
        self._reader = reader
        self._state = state
        self._connect = connect
        self._timing = timing
        self._replace: asyncio.Future[str] | None = None
        self._since: float | None = None

    @property
    def connected(self) -> bool:
        session = self._reader.session
        return session is not None and session.connected

    @property
    def listening_seconds(self) -> float:
        """How long the present session has been listening; 0 without one."""
        return 0.0 if self._since is None else time.monotonic() - self._since

    def replace(self, reason: str) -> None:
        """Has the present session replaced by a new one."""
        if self._replace is not None and not self._replace.done():
            self._replace.set_result(reason)

    async def run(self) -> None:
        await asyncio.sleep(self._timing.start_delay)
        failures = 0
        while True:
            started = time.monotonic()
            error = await failure_of(self._hold_session())
            if time.monotonic() - started > self._timing.max_pause:
                failures = 0
            self._state.note_listener(_reason(error))
            await asyncio.sleep(self._timing.backoff(failures, self._timing.max_pause))
            failures += 1

    async def _hold_session(self) -> None:
        """Connects, listens, and raises when the session is of no use any more."""
        namespace = self._reader.namespace
        async with asyncio.timeout(self._timing.connect):
            session = await self._connect(namespace)
        self._replace = asyncio.get_running_loop().create_future()
        try:
            for data_id in self._state.data_ids:
                async with asyncio.timeout(self._timing.connect):  # `wait_for` can swallow a cancellation before 3.12
                    await session.listen(data_id, self._state.note_push)
            self._reader.session, self._since = session, time.monotonic()
            self._state.note_listener(None)
            self.caught_up_wanted.set()
            raise SessionEnded(await self._trouble_of(session, namespace))
        finally:
            self._reader.session, self._since = None, None
            self.rebuilds += 1
            await session.close()

    async def _trouble_of(self, session: NacosSession, namespace: str) -> str:
        """Waits until there is a reason to replace the session, and gives it."""
        assert self._replace is not None  # noqa: S101 - set by the only caller
        connected_at = time.monotonic()
        while True:
            done, _ = await asyncio.wait({self._replace}, timeout=self._timing.check)
            if done:
                return self._replace.result()
            if trouble := session.trouble():
                return trouble
            if namespace != self._reader.namespace:
                return f"the documents are in namespace {self._reader.namespace!r}"
            if session.connected:
                connected_at = time.monotonic()
            elif time.monotonic() - connected_at > self._timing.unconnected and self._state.problem is None:
                return "it does not reconnect, although Nacos answers"


class SessionEnded(AppError):
    """A session is of no use any more."""


def _reason(error: BaseException | None) -> str:
    if isinstance(error, AppError):
        return error.message
    if isinstance(error, TimeoutError):
        return "connecting took too long"
    return redact(f"{type(error).__name__}: {error}")[:200]


class Comparison:
    """Reads everything now and then, and delivers what the listener did not."""

    def __init__(self, reader: DocumentReader, state: NacosState, listener: Listener, timing: Timing) -> None:
        self._reader = reader
        self._state = state
        self._listener = listener
        self._timing = timing
        self._failures = 0

    async def run(self) -> None:
        while True:
            await self._turn()

    async def run_until_caught_up(self) -> None:
        """For a source that is not to be watched, but was started without Nacos."""
        while self._state.from_last_good:
            await self._turn()

    async def _turn(self) -> None:
        await self._pause()
        error = await failure_of(self.compare())
        self._failures = self._failures + 1 if error else 0
        if error:
            self._state.note_failure(_reason(error))

    async def _pause(self) -> None:
        """Until the next turn; a new session, which may have missed something, brings it forward."""
        if self._failures or self._state.from_last_good:
            seconds = self._timing.backoff(self._failures, self._timing.compare)
        else:
            seconds = _spread(self._timing.compare)
        wanted = self._listener.caught_up_wanted
        try:
            async with asyncio.timeout(seconds):
                await wanted.wait()
        except TimeoutError:
            return
        wanted.clear()

    async def compare(self) -> None:
        """Delivers texts that differ twice, `confirm` seconds apart: right after a publish, reads may be stale."""
        session, heard_for = self._reader.session, self._listener.listening_seconds
        texts = await self._read()
        while self._state.differing(texts):
            await asyncio.sleep(self._timing.confirm)
            again = await self._read()
            for data_id, text in self._state.differing(again).items():
                if texts[data_id] != text:
                    continue
                missed = self._state.pushed.get(data_id) != text
                self._state.arrive(data_id, text, Trigger.POLL)
                if missed and session is self._reader.session and heard_for >= self._timing.grace:
                    self._listener.replace("it missed a change")
            texts = again

    async def _read(self) -> dict[str, str | None]:
        texts = await self._reader.read_all()
        self._state.note_read(texts)
        return texts
