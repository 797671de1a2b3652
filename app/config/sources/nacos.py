"""Settings from Nacos: read over HTTP, pushed over gRPC, remembered on disk."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from app.common.errors import SourceUnavailable, StartupError
from app.common.logger import log
from app.common.supervision import failure_of
from app.config.nacos_config import NacosConnection
from app.config.sources.base import Deliver, Documents
from app.config.sources.last_good import LastGood
from app.config.sources.nacos_api import NacosApi
from app.config.sources.nacos_http import NacosHttp
from app.config.sources.nacos_login import NacosLogin
from app.config.sources.nacos_probe import probe_nacos
from app.config.sources.nacos_reader import DocumentReader
from app.config.sources.nacos_sdk_loader import sdk_connect
from app.config.sources.nacos_session import Connect, TextReader, Unreachable
from app.config.sources.nacos_state import KIND, NacosState
from app.config.sources.nacos_supervisor import Comparison, Listener, Timing

START_READ_SECONDS = 5.0
START_SESSION_SECONDS = 6.0
"""With the probe's 2 s in between, a start without Nacos ends within 15 s."""


class NacosSource:
    """One per process, built and used on one loop, never before a fork."""

    kind = KIND

    def __init__(
        self,
        connection: NacosConnection,
        data_dir: Path,
        *,
        timing: Timing | None = None,
        http: TextReader | None = None,
        connect: Connect | None = None,
    ) -> None:
        """`http` and `connect` replace the ways to Nacos."""
        self._connection = connection
        self._api = NacosApi(connection)
        login = NacosLogin(connection, self._api)
        self._connect = connect or sdk_connect(connection, login)
        self._state = NacosState(connection.data_ids)
        self._reader = DocumentReader(connection, http or NacosHttp(connection, self._api, login))
        timing = timing or Timing()
        self._confirm_seconds = timing.confirm
        self._listener = Listener(self._reader, self._state, self._connect, timing)
        self._comparison = Comparison(self._reader, self._state, self._listener, timing)
        path = data_dir / "nacos" / "last_good" / f"{connection.key}.json"
        self._last_good = LastGood(path, identity=connection.identity, names=connection.data_ids)
        self._remembered = ""

    async def open(self) -> Documents:
        try:
            texts = await self._first_texts()
        except SourceUnavailable as error:
            return await self._open_without_nacos(error)
        self._state.hold(texts)
        return self._state.documents(texts)

    async def _first_texts(self) -> dict[str, str]:
        try:
            async with asyncio.timeout(START_READ_SECONDS):
                return await self._complete_texts()
        except (TimeoutError, Unreachable):
            probes = await probe_nacos(self._connection)
        tried = "; ".join(map(str, probes))
        if not any(probe.grpc for probe in probes):
            raise Unreachable(f"Nacos can't be reached ({tried})")
        try:
            async with asyncio.timeout(START_SESSION_SECONDS):
                return await self._texts_of_a_session()
        except TimeoutError:
            raise Unreachable(f"Nacos did not answer over gRPC in time ({tried})") from None
        except SourceUnavailable as error:
            raise Unreachable(f"{error.message} ({tried})") from None

    async def _texts_of_a_session(self) -> dict[str, str]:
        session = await self._connect(self._reader.namespace)
        self._reader.session = session
        try:
            return await self._complete_texts()
        finally:
            self._reader.session = None
            await session.close()

    async def _open_without_nacos(self, error: SourceUnavailable) -> Documents:
        reason = error.message
        if not isinstance(error, Unreachable):
            reason += f" (asked: {', '.join(address.url for address in self._connection.addresses)})"
        documents = await self.load_last_good()
        if documents is None:
            raise StartupError(f"{reason}; no last known good settings are on this machine") from error
        log.bind(reason=reason, md5=documents.md5).error("started with the last known good settings")
        self._state.problem = reason
        self._state.hold({item.name: item.text for item in documents.items})
        self._state.from_last_good = True
        return documents

    async def fetch(self) -> Documents:
        texts = await self._complete_texts()
        while self._state.may_be_stale(texts):
            await asyncio.sleep(self._confirm_seconds)
            again = await self._complete_texts()
            if again == texts:
                break
            texts = again
        return self._state.documents(texts)

    async def _complete_texts(self) -> dict[str, str]:
        """Every text. Raises SourceUnavailable naming what is absent."""
        texts = await self._reader.read_all()
        self._state.note_read(texts)
        if absent := [data_id for data_id, text in texts.items() if text is None]:
            raise SourceUnavailable(
                f"Nacos has no text for {', '.join(absent)} in namespace {self._reader.namespace!r}, "
                f"group {self._connection.group}: publish it, or check nacos.namespace, group and data_id"
            )
        return {data_id: text for data_id, text in texts.items() if text is not None}

    async def watch(self, deliver: Deliver) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._deliver_changes(deliver))
            if self._connection.watch:
                group.create_task(self._comparison.run())
                group.create_task(self._listener.run())
            elif self._state.from_last_good:
                group.create_task(self._comparison.run_until_caught_up())

    async def _deliver_changes(self, deliver: Deliver) -> None:
        while True:
            texts, trigger = await self._state.next_change()
            error = await failure_of(deliver(self._state.documents(texts), trigger))
            if error is None:
                self._state.hold(texts)
            else:
                log.bind(error=type(error).__name__).error("settings could not be delivered, it is tried again")

    async def load_last_good(self) -> Documents | None:
        return await asyncio.to_thread(self._last_good.load, KIND)

    async def remember(self, documents: Documents) -> None:
        if documents.from_last_good:
            return
        self._state.hold({item.name: item.text for item in documents.items})
        if documents.md5 == self._remembered:
            return
        try:
            await asyncio.to_thread(self._last_good.save, documents)
        except OSError as error:
            log.bind(reason=error.strerror).warning("last known good settings can't be written")
        else:
            self._remembered = documents.md5

    def status(self) -> Mapping[str, Any]:
        state = self._state
        return {
            "kind": self.kind,
            "addresses": [address.url for address in self._connection.addresses],
            "namespace": self._reader.namespace,
            "group": self._connection.group,
            "data_ids": list(self._connection.data_ids),
            "absent": sorted(state.absent),
            "watch": self._connection.watch,
            "connected": self._listener.connected,
            "read_at": _shown(state.read_at),
            "pushed_at": _shown(state.pushed_at),
            "from_last_good": state.from_last_good,
            "rebuilds": self._listener.rebuilds,
            "problem": state.problem,
            "listener_problem": state.listener_problem,
        }

    async def close(self) -> None:
        await self._api.close()


def _shown(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
