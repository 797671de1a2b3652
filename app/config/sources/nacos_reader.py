"""Reads all documents together: over HTTP, else over the listening session; and finds the namespace that has them."""

import asyncio

from app.config.nacos_config import NacosConnection
from app.config.sources.nacos_session import NacosSession, TextReader, Unreachable


class DocumentReader:
    """Remembers which of the possible namespaces answered."""

    def __init__(self, connection: NacosConnection, http: TextReader, *, seconds: float = 10.0) -> None:
        """`seconds`: how long reading everything may take."""
        self.session: NacosSession | None = None
        self._connection = connection
        self._http = http
        self._seconds = seconds
        self._answered: str | None = None

    @property
    def namespace(self) -> str:
        """The namespace that answered, before that the first to be tried."""
        return self._connection.namespaces[0] if self._answered is None else self._answered

    async def read_all(self) -> dict[str, str | None]:
        """The texts by data id, None for an absent one. Raises SourceUnavailable."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._read_all()
        except TimeoutError:
            raise Unreachable(f"Nacos did not answer within {self._seconds:g} s") from None

    async def _read_all(self) -> dict[str, str | None]:
        texts: dict[str, str | None] = {}
        for namespace in self._connection.namespaces if self._answered is None else (self._answered,):
            texts = {data_id: await self._read(namespace, data_id) for data_id in self._connection.data_ids}
            if any(text is not None for text in texts.values()):
                self._answered = namespace
                break
        return texts

    async def _read(self, namespace: str, data_id: str) -> str | None:
        try:
            return await self._http.read(namespace, data_id)
        except Unreachable:
            if self.session is None:
                raise
            return await self.session.read(namespace, data_id)
