"""The fake Nacos listening on this machine, by HTTP and gRPC, for whole processes and for the real SDK."""

import threading
from types import TracebackType
from typing import Any, Final, Self

from app.testing.fake_nacos import DATA_ID, FakeNacos
from app.testing.fake_nacos_grpc import GrpcHalf
from app.testing.fake_nacos_http import HttpHalf, HttpServer, Tokens

USERNAME: Final = "nacos"
PASSWORD: Final = "fake-nacos-password"  # noqa: S105 - a double's password


class FakeNacosServer(FakeNacos):
    """`with FakeNacosServer() as nacos:`, then `nacos.section()` is the `nacos` section of a `config_{env}.yaml`."""

    def __init__(
        self,
        *,
        public_is: str = "public",
        group: str = "DEFAULT_GROUP",
        username: str = USERNAME,
        password: str = PASSWORD,
    ) -> None:
        """Without a username nobody has to log in."""
        super().__init__(public_is=public_is)
        self.tokens = Tokens(username, password)
        """`tokens.expire()`, `tokens.refuses_logins = True`: 403."""
        self.group = group
        self.http = HttpHalf(self, self.tokens, group)
        self.grpc = GrpcHalf(self, self.tokens, group)
        self._http_port = self._grpc_port = 0
        self._server: HttpServer | None = None
        self._thread: threading.Thread | None = None

    def section(self, data_id: str = DATA_ID, **more: Any) -> dict[str, Any]:
        """The connection settings that lead here."""
        return {
            "host": f"127.0.0.1:{self._http_port}",
            "grpc_port_offset": self._grpc_port - self._http_port,
            "username": self.tokens.username,
            "password": self.tokens.password,
            "group": self.group,
            "data_id": data_id,
            **more,
        }

    def start(self) -> None:
        """Listens; after `stop` on the same ports again."""
        self._server = HttpServer(self, self.http, self._http_port)
        self._http_port = self._server.server_address[1]
        serve = self._server.serve_forever
        self._thread = threading.Thread(target=serve, args=(0.02,), name="fake-nacos-http", daemon=True)
        self._thread.start()
        self._grpc_port = self.grpc.start(self._grpc_port)

    def stop(self) -> None:
        """Is away: connections are refused, streams are cut."""
        self.release()
        self.grpc.stop()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = self._thread = None

    def drop_streams(self) -> None:
        super().drop_streams()
        self.grpc.drop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _tell(self, namespace: str, data_id: str, text: str | None) -> None:
        super()._tell(namespace, data_id, text)
        if not self.deaf:
            self.grpc.tell(namespace, data_id, text)
