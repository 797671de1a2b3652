"""Nacos in the test's own process, with the faults that a real test server can't show.

In process, without a socket: `nacos.source(folder)` is the service's own Nacos source over this one.
For whole processes: `with FakeNacosServer() as nacos:` of `app.testing.fake_nacos_server` listens on this machine.
"""

import asyncio
import threading
from pathlib import Path
from typing import Any, Final

from app.config.nacos_config import build_nacos_connection
from app.config.sources.nacos import NacosSource
from app.config.sources.nacos_session import Changed, Unreachable
from app.config.sources.nacos_supervisor import Timing

DATA_ID: Final = "app.yaml"
QUICK: Final = Timing(
    start_delay=0,
    connect=1,
    check=0.005,
    compare=0.1,
    confirm=0.02,
    grace=0.2,
    unconnected=1,
    pause=0.01,
    max_pause=0.05,
)
"""The supervision of the source, in the time of a test."""
_LONGEST_HANG_SECONDS: Final = 60


class FakeNacos:
    """The documents, who listens to them, and the faults. Both ways to it: `read` plays HTTP, `connect` gRPC."""

    def __init__(self, *, public_is: str = "public") -> None:
        """`public_is`: the namespace id under which the documents of the public namespace are kept."""
        self.http_answers = True
        """False: connections are refused or cut off."""
        self.grpc_answers = True
        self.deaf = False
        """Sessions connect and are never told of a change."""
        self.sessions: list[FakeSession] = []
        self.reads = 0
        self._public_is = public_is
        self._texts: dict[tuple[str, str], str] = {}
        self._stale: list[str] = []
        self._free = threading.Event()
        self._free.set()

    def publish(self, data_id: str, text: str, *, namespace: str | None = None) -> None:
        """Replaces the document and tells who listens."""
        where = self._public_is if namespace is None else namespace
        self._texts[where, data_id] = text
        self._tell(where, data_id, text)

    def delete(self, data_id: str) -> None:
        self._texts.pop((self._public_is, data_id), None)
        self._tell(self._public_is, data_id, None)

    def read_stale(self, *texts: str) -> None:
        """The next reads answer these texts, whatever is published."""
        self._stale.extend(texts)

    def go_away(self) -> None:
        """Nobody answers any more, and every listener's stream is cut."""
        self.http_answers = self.grpc_answers = False
        self.drop_streams()

    def come_back(self) -> None:
        self.http_answers = self.grpc_answers = True

    def drop_streams(self) -> None:
        """Cuts the listeners' streams; who connects again is served."""
        for session in self.sessions:
            session.died = session.died or "the fake Nacos dropped the stream"

    def hang(self) -> None:
        """From now on everything is accepted and nothing answered, until `release`."""
        self._free.clear()

    def release(self) -> None:
        """Answers what hangs."""
        self._free.set()

    def source(self, folder: Path, data_id: str = DATA_ID, *, timing: Timing = QUICK, **section: Any) -> NacosSource:
        """The service's Nacos source, which reads here and listens here; its last known good is kept below `folder`.

        `section` are further keys of the `nacos` section. Give it to `open_runtime` as the override `source`.
        """
        # Port 1 of loopback answers nobody, which is what the probe of a failed start shall find.
        connection = build_nacos_connection({"host": "127.0.0.1:1", "data_id": data_id, **section}, {})
        return NacosSource(connection, folder, timing=timing, http=self, connect=self.connect)

    async def read(self, namespace: str, data_id: str) -> str | None:
        """Plays the HTTP interface."""
        await self._until_free()
        if not self.http_answers:
            raise Unreachable("the fake Nacos does not answer over HTTP")
        return self.answer_read(namespace, data_id)

    async def connect(self, namespace: str) -> "FakeSession":
        """Plays the gRPC interface."""
        await self._until_free()
        if not self.grpc_answers:
            raise Unreachable("the fake Nacos does not answer over gRPC")
        session = FakeSession(self, namespace)
        self.sessions.append(session)
        return session

    def answer_read(self, namespace: str, data_id: str) -> str | None:
        """What a read over HTTP is answered: the document, or the next stale text."""
        self.reads += 1
        return self._stale.pop(0) if self._stale else self.text(namespace, data_id)

    def text(self, namespace: str, data_id: str) -> str | None:
        """What is published."""
        return self._texts.get((namespace, data_id))

    def wait_until_free(self) -> None:
        """Blocks while it hangs."""
        self._free.wait(_LONGEST_HANG_SECONDS)

    async def _until_free(self) -> None:
        while not self._free.is_set():  # noqa: ASYNC110 - released from any thread
            await asyncio.sleep(0.005)

    def _tell(self, namespace: str, data_id: str, text: str | None) -> None:
        for session in self.sessions:
            if session.namespace == namespace and not self.deaf and self._free.is_set():
                session.tell(data_id, text)


class FakeSession:
    """A session that can die, or lose its connection for good."""

    def __init__(self, nacos: FakeNacos, namespace: str) -> None:
        self.namespace = namespace
        self.connected = True
        self.died: str | None = None
        self.closed = False
        self._nacos = nacos
        self._loop = asyncio.get_running_loop()
        self._listeners: dict[str, Changed] = {}

    async def read(self, namespace: str, data_id: str) -> str | None:
        if not self._nacos.grpc_answers:
            raise Unreachable("the fake Nacos does not answer over gRPC")
        return self._nacos.text(namespace, data_id)

    async def listen(self, data_id: str, changed: Changed) -> None:
        self._listeners[data_id] = changed
        text = self._nacos.text(self.namespace, data_id)
        if text is not None and not self._nacos.deaf:
            changed(data_id, text)

    def tell(self, data_id: str, text: str | None) -> None:
        """From any thread."""
        if data_id not in self._listeners or self.closed or self.died is not None:
            return
        if _running_loop() is self._loop:
            self._listeners[data_id](data_id, text)
        else:
            self._loop.call_soon_threadsafe(self._listeners[data_id], data_id, text)

    def trouble(self) -> str | None:
        return self.died

    async def close(self) -> None:
        self.closed = True


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
