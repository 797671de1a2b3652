"""Nacos in-process, with the faults that a real test server can't show: stale reads, deafness, 2.x namespace keys."""

from app.config.sources.nacos_session import Changed, Unreachable


class FakeNacos:
    """Both ways to Nacos: `read` is its HTTP interface, `connect` its listening one."""

    def __init__(self, *, public_is: str = "public") -> None:
        """`public_is`: the namespace id under which the documents of the public namespace are kept."""
        self.http_answers = True
        self.grpc_answers = True
        self.deaf = False
        self.sessions: list[FakeSession] = []
        self.reads = 0
        self._public_is = public_is
        self._texts: dict[tuple[str, str], str] = {}
        self._stale: list[str] = []

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

    async def read(self, namespace: str, data_id: str) -> str | None:
        self.reads += 1
        if not self.http_answers:
            raise Unreachable("the fake Nacos does not answer over HTTP")
        return self._stale.pop(0) if self._stale else self.text(namespace, data_id)

    def text(self, namespace: str, data_id: str) -> str | None:
        return self._texts.get((namespace, data_id))

    async def connect(self, namespace: str) -> "FakeSession":
        if not self.grpc_answers:
            raise Unreachable("the fake Nacos does not answer over gRPC")
        session = FakeSession(self, namespace)
        self.sessions.append(session)
        return session

    def _tell(self, namespace: str, data_id: str, text: str | None) -> None:
        for session in self.sessions:
            if session.namespace == namespace and not self.deaf:
                session.tell(data_id, text)


class FakeSession:
    """A session that can die, or lose its connection for good."""

    def __init__(self, nacos: FakeNacos, namespace: str) -> None:
        self.namespace = namespace
        self.connected = True
        self.died: str | None = None
        self.closed = False
        self._nacos = nacos
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
        if data_id in self._listeners and not self.closed and self.died is None:
            self._listeners[data_id](data_id, text)

    def trouble(self) -> str | None:
        return self.died

    async def close(self) -> None:
        self.closed = True
