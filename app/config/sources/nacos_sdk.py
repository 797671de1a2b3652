"""nacos-sdk-python behind the session port; nothing else imports it. Loaded by `nacos_sdk_loader`.

The SDK is used by its own seams (subclasses and public attributes), so that it
- never sees the password, which it would put in a query string: it asks `NacosLogin` for a token;
- writes no file: no log, no plain-text copy of every document it reads;
- leaves the root logger, and the loggers `config` and `naming` which it would take over, alone;
- ignores the proxy variables, which gRPC would follow: by a channel option, the environment stays as it is;
- survives its own reconnect race, in which the cancellation of one call ends the listen task;
- does not lose the push that arrives while it fetches the document for an earlier one.
"""

import asyncio
import os
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar

import grpc
from v2.nacos.common.client_config import ClientConfig
from v2.nacos.common.nacos_exception import CLIENT_DISCONNECT, INVALID_SERVER_STATUS, NacosException
from v2.nacos.config.cache.config_info_cache import ConfigInfoCache
from v2.nacos.config.cache.config_subscribe_manager import ConfigSubscribeManager
from v2.nacos.config.model.config_request import ConfigQueryRequest
from v2.nacos.config.model.config_response import ConfigQueryResponse
from v2.nacos.config.nacos_config_service import NacosConfigService
from v2.nacos.transport.grpc_client import GrpcClient
from v2.nacos.transport.model.server_info import ServerInfo
from v2.nacos.transport.rpc_client_factory import RpcClientFactory

from app.common.errors import SourceUnavailable
from app.common.redaction import redact
from app.common.supervision import failure_of
from app.config.nacos_config import NacosConnection
from app.config.sources.nacos_api import MAX_ANSWER_BYTES
from app.config.sources.nacos_login import NacosLogin
from app.config.sources.nacos_sdk_log import sdk_logger
from app.config.sources.nacos_session import Changed, Unreachable
from app.config.sources.nacos_text import checked_text

T = TypeVar("T")

CONNECT_SECONDS: Final = 10.0
"""The SDK itself gives up after 9 s, without saying so."""
CALL_SECONDS: Final = 5.0
CLOSE_SECONDS: Final = 8.0
_ABSENT: Final = INVALID_SERVER_STATUS  # 300, what the server answers for a document that is not there
_IN_USE: Final = "-"  # makes the SDK ask for a token; the password itself stays with NacosLogin


def is_own_cancellation() -> bool:
    """Whether a CancelledError just caught is meant for this task, and not one that leaked out of the SDK."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class _Client(GrpcClient):
    root_certificates: bytes | None = None
    is_tls: bool = False
    readers: set[asyncio.Task[Any]]

    async def _create_new_managed_channel(self, server_ip: str, grpc_port: int) -> grpc.aio.Channel:
        options = [
            ("grpc.enable_http_proxy", 0),
            ("grpc.max_receive_message_length", MAX_ANSWER_BYTES),
            ("grpc.keepalive_time_ms", self.grpc_config.max_keep_alive_ms),
            ("grpc.use_local_subchannel_pool", 1),
        ]
        target = f"{server_ip}:{grpc_port}"
        if self.is_tls:
            credentials = grpc.ssl_channel_credentials(self.root_certificates)
            channel = grpc.aio.secure_channel(target, credentials, options=options)
        else:
            channel = grpc.aio.insecure_channel(target, options=options)
        try:
            async with asyncio.timeout(self.grpc_config.grpc_timeout / 1000):
                await channel.channel_ready()
        except BaseException as error:
            await channel.close()
            if isinstance(error, TimeoutError):
                raise NacosException(CLIENT_DISCONNECT, f"no gRPC answer from {target}") from None
            raise
        return channel

    def _resolve_server_info(self, server_address: str) -> ServerInfo:
        host, _, port = server_address.rpartition(":")  # an IPv6 address has more colons
        return ServerInfo(host, int(port) + self.get_rpc_port_offset())

    async def connect_to_server(self, server_info: ServerInfo) -> Any:
        try:
            return await super().connect_to_server(server_info)
        except NacosException:
            # Already logged; the caller would say it again by logging.error(), which sets the root logger up.
            return None

    async def _server_request_watcher(self, grpc_conn: Any) -> None:
        task = asyncio.current_task()
        if task is not None:  # the SDK starts it and forgets it
            self.readers.add(task)
            task.add_done_callback(self.readers.discard)
        try:
            await super()._server_request_watcher(grpc_conn)
        finally:
            grpc_conn.queue.put_nowait(None)  # wakes the stream's writing task, which else waits here for ever

    async def shutdown(self) -> None:
        await super().shutdown()  # type: ignore[no-untyped-call]
        if self.readers:
            await asyncio.wait(self.readers, timeout=1)

    async def request(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return await super().request(*args, **kwargs)
        except asyncio.CancelledError:
            if is_own_cancellation():
                raise
            raise NacosException(CLIENT_DISCONNECT, "the connection was replaced during the call") from None


class _Clients(RpcClientFactory):
    def __init__(self, *, is_tls: bool, root_certificates: bytes | None) -> None:
        super().__init__(sdk_logger())  # type: ignore[no-untyped-call]
        self._is_tls = is_tls
        self._root_certificates = root_certificates

    async def create_client(self, client_name: str, *args: Any) -> GrpcClient:
        if client_name not in self.client_map:
            plain = await super().create_client(client_name, *args)
            client = _Client(self.logger, client_name, *args[-2:])
            client.is_tls, client.root_certificates, client.readers = self._is_tls, self._root_certificates, set()
            client.put_all_labels(plain.labels)
            self.client_map[client_name] = client
        found: GrpcClient = self.client_map[client_name]
        return found


class _Subscriptions(ConfigSubscribeManager):
    """The SDK marks a document as up to date when its fetch returns, also if a push came in between: lost for 5 min."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._told: set[str] = set()

    async def execute_listener_and_build_tasks(self, is_sync_all: bool) -> Any:
        self._told.clear()  # what is told from here on is not covered by this round's fetches
        return await super().execute_listener_and_build_tasks(is_sync_all)

    async def notify_config_changed(self, data_id: str, group_name: str, tenant: str) -> None:
        self._told.add(data_id)
        await super().notify_config_changed(data_id, group_name, tenant)

    async def update_subscribe_cache(self, data_id: str, group_name: str, *rest: Any) -> None:
        await super().update_subscribe_cache(data_id, group_name, *rest)
        if data_id in self._told:
            await super().notify_config_changed(data_id, group_name, self.namespace_id)


class _NoSnapshots(ConfigInfoCache):
    """Nothing is written, so nothing is found."""

    def __init__(self) -> None:
        self.logger = sdk_logger()

    async def write_config_to_cache(self, cache_key: str, content: str, encrypted_data_key: str) -> None:
        return None

    async def get_config_cache(self, data_id: str, group: str) -> tuple[str, str]:
        return "", ""

    async def get_fail_over_config_cache(self, data_id: str, group: str) -> tuple[str, str]:
        return "", ""


class _Service(NacosConfigService):
    logger: Any

    def init_log(self, client_config: ClientConfig, module: str) -> None:
        self.logger = sdk_logger()


class _Token:
    """Stands where the SDK's own login stands."""

    def __init__(self, login: NacosLogin) -> None:
        self._login = login

    async def get_access_token(self, force_refresh: bool = False) -> str:
        return await self._login.token()


class SdkSession:
    """One SDK service, on the loop it was opened on."""

    _opened_in: ClassVar[int] = 0

    def __init__(self, service: Any, group: str) -> None:
        self._service = service
        self._proxy = service.grpc_client_proxy
        self._group = group

    @classmethod
    async def open(
        cls, connection: NacosConnection, namespace: str, login: NacosLogin, *, seconds: float = CONNECT_SECONDS
    ) -> "SdkSession":
        """A connected session. Raises Unreachable, and leaves nothing behind then."""
        if cls._opened_in not in {0, os.getpid()}:
            raise SourceUnavailable("this process was forked from one that used gRPC, which then never connects")
        cls._opened_in = os.getpid()
        certificates = await asyncio.to_thread(_read, connection.ca_file)
        session = cls(_build_service(connection, namespace, login, certificates), connection.group)
        try:
            await _answered(session._proxy.start(), "connecting over gRPC", seconds)
            session._require_connected()
        except BaseException:
            await session.close()
            raise
        return session

    async def read(self, namespace: str, data_id: str) -> str | None:
        request = ConfigQueryRequest(group=self._group, dataId=data_id, tenant=namespace)
        request.put_header("notify", "False")
        try:
            response = await _answered(self._query(request), f"reading {data_id} over gRPC", CALL_SECONDS)
        except NacosException as error:
            if error.error_code == _ABSENT:
                return None
            reason = redact(str(error.message))[:200]
            raise SourceUnavailable(f"reading {data_id} over gRPC failed: {reason}") from None
        return checked_text(data_id, response.content or "")

    async def _query(self, request: ConfigQueryRequest) -> Any:
        client = await self._proxy.fetch_rpc_client()
        return await self._proxy.request_config_server(client, request, ConfigQueryResponse)

    async def listen(self, data_id: str, changed: Changed) -> None:
        async def on_change(_namespace: str, _group: str, data_id: str, content: object) -> None:
            try:
                text = checked_text(data_id, content)
            except SourceUnavailable as error:
                # Raising would count against the SDK's listen task; the comparison by reading meets the same text.
                sdk_logger().warning("pushed document refused: %s", error.message)
                return
            changed(data_id, text)

        await self._proxy.add_listener(data_id, self._group, on_change)
        self._proxy.execute_config_listen_channel.put_nowait(None)  # else it is noticed within 5 s

    @property
    def connected(self) -> bool:
        return any(client.is_running() for client in self._proxy.rpc_client_manager.client_map.values())

    def _require_connected(self) -> None:
        if not self.connected:
            raise Unreachable("no Nacos server answers over gRPC")

    def trouble(self) -> str | None:
        if self._proxy.listen_task.done():
            return "the SDK's listen task ended"
        for client in self._proxy.rpc_client_manager.client_map.values():
            for task in (client.reconnection_task, client.health_check_task, client.event_listener_task):
                if task is not None and task.done():
                    return "the SDK's reconnect task ended"
        return None

    async def close(self) -> None:
        """The SDK's own shutdown waits for a 5 s tick, raises what its listeners raised, and leaks then."""
        listening = self._proxy.listen_task
        self._proxy.stop_event.set()
        self._proxy.execute_config_listen_channel.put_nowait(None)
        _, late = await asyncio.wait({listening}, timeout=CLOSE_SECONDS / 4)
        for task in late:
            task.cancel()
        await asyncio.wait({listening}, timeout=CLOSE_SECONDS / 4)
        if listening.done() and not listening.cancelled():
            listening.exception()
        shutdown = _answered(self._proxy.rpc_client_manager.shutdown_all_clients(), "closing", CLOSE_SECONDS / 2)
        if error := await failure_of(shutdown):
            sdk_logger().warning("session did not close cleanly: %s", type(error).__name__)


async def _answered(work: Awaitable[T], what: str, seconds: float) -> T:
    """The result within the time. Raises Unreachable for a timeout and for a cancellation that nobody asked for."""
    try:
        async with asyncio.timeout(seconds):  # `wait_for` can swallow a cancellation before 3.12
            return await work
    except TimeoutError:
        raise Unreachable(f"{what} took longer than {seconds:g} s") from None
    except asyncio.CancelledError:
        if is_own_cancellation():
            raise
        raise Unreachable(f"{what} was cut off by the SDK") from None


def _build_service(
    connection: NacosConnection, namespace: str, login: NacosLogin, root_certificates: bytes | None
) -> Any:
    config = ClientConfig(
        server_addresses=",".join(address.netloc for address in connection.addresses), namespace_id=namespace
    )
    config.grpc_config.port_offset = connection.grpc_port_offset
    service: Any = _Service(config)  # without a username: it would log in by itself, at once
    proxy = service.grpc_client_proxy
    if connection.username:
        config.username = config.password = _IN_USE
        proxy.nacos_server_connector.auth_client = _Token(login)
    service.config_info_cache = proxy.config_info_cache = cache = _NoSnapshots()
    proxy.config_subscribe_manager = _Subscriptions(
        sdk_logger(), cache, namespace, service.config_filter_chain_manager, proxy.execute_config_listen_channel
    )
    proxy.rpc_client_manager = _Clients(is_tls=connection.is_tls, root_certificates=root_certificates)
    proxy.logger = proxy.nacos_server_connector.logger = sdk_logger()
    return service


def _read(path: Path | None) -> bytes | None:
    return path.read_bytes() if path else None
