"""The gRPC half of the fake Nacos, asked by a plain gRPC client: answers and refusals of the protocol."""

import queue
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest

from app.testing.fake_nacos_grpc import GrpcHalf
from app.testing.fake_nacos_http import md5
from app.testing.fake_nacos_server import FakeNacosServer
from app.testing.nacos_wire import Payload, decode

QUERY = {"group": "DEFAULT_GROUP", "dataId": "app.yaml", "tenant": "public"}
WATCHED = {"configListenContexts": [{**QUERY, "md5": md5("a: 1")}]}


class Client:
    """One connection: single requests, and the stream that is told of changes."""

    def __init__(self, address: str) -> None:
        self._channel = grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
        self._sent: queue.Queue[bytes | None] = queue.Queue()

    def ask(self, kind: str, body: dict[str, Any], **headers: str) -> Payload:
        ask: Callable[..., bytes] = self._channel.unary_unary("/Request/request")
        return decode(ask(Payload(kind, body, headers).encode(), timeout=5))

    def listen(self) -> Iterator[bytes]:
        """Ends with this client: a stream that nobody holds is cancelled."""
        stream: Callable[..., Iterator[bytes]] = self._channel.stream_stream("/BiRequestStream/requestBiStream")
        self._sent.put(Payload("ConnectionSetupRequest", {}).encode())
        self._stream = stream(iter(self._sent.get, None), timeout=10)
        return self._stream

    def close(self) -> None:
        self._sent.put(None)
        self._channel.close()


@pytest.fixture
def nacos() -> Iterator[FakeNacosServer]:
    with FakeNacosServer(username="") as opened:
        opened.publish("app.yaml", "a: 1")
        yield opened


@pytest.fixture
def client(nacos: FakeNacosServer) -> Iterator[Client]:
    client = connect(nacos)
    yield client
    client.close()


def connect(nacos: FakeNacosServer) -> Client:
    section = nacos.section()
    host, port = section["host"].split(":")
    return Client(f"{host}:{int(port) + section['grpc_port_offset']}")


def listening(nacos: FakeNacosServer, client: Client) -> Iterator[bytes]:
    """A stream that the server knows."""
    stream = client.listen()
    for _ in range(1000):
        if client.ask("ConfigQueryRequest", QUERY).type != "ErrorResponse":
            return stream
    raise AssertionError("the stream was not taken")


def test_health_is_answered_to_anybody(client: Client) -> None:
    assert client.ask("HealthCheckRequest", {}).type == "HealthCheckResponse"
    assert client.ask("ServerCheckRequest", {}).body["connectionId"]


def test_without_a_stream_the_connection_is_unregistered(client: Client) -> None:
    assert client.ask("ConfigQueryRequest", QUERY).body["errorCode"] == 301


def test_a_document_is_answered_with_its_md5(nacos: FakeNacosServer, client: Client) -> None:
    listening(nacos, client)
    answer = client.ask("ConfigQueryRequest", QUERY)
    assert (answer.body["content"], answer.body["md5"]) == ("a: 1", md5("a: 1"))
    assert client.ask("ConfigQueryRequest", {**QUERY, "dataId": "absent"}).body["errorCode"] == 300
    assert client.ask("ConfigQueryRequest", {**QUERY, "group": "OTHER"}).body["errorCode"] == 300


def test_a_change_is_told_to_who_has_another_text(nacos: FakeNacosServer, client: Client) -> None:
    stream = listening(nacos, client)
    assert client.ask("ConfigBatchListenRequest", WATCHED).body["changedConfigs"] == []
    nacos.publish("app.yaml", "a: 1")
    nacos.publish("app.yaml", "a: 2")
    told = decode(next(stream))
    assert (told.type, told.body["dataId"]) == ("ConfigChangeNotifyRequest", "app.yaml")
    assert client.ask("ConfigBatchListenRequest", WATCHED).body["changedConfigs"] == [QUERY]


def test_a_deaf_server_tells_nobody(nacos: FakeNacosServer, client: Client) -> None:
    nacos.deaf = True
    listening(nacos, client)
    nacos.publish("app.yaml", "a: 2")
    assert client.ask("ConfigBatchListenRequest", WATCHED).body["changedConfigs"] == []


def test_a_dropped_stream_ends_with_an_error(nacos: FakeNacosServer, client: Client) -> None:
    stream = listening(nacos, client)
    nacos.drop_streams()
    with pytest.raises(grpc.RpcError, match="dropped the stream"):
        next(stream)


def test_a_token_is_asked_for_where_there_are_users() -> None:
    with FakeNacosServer() as nacos:
        nacos.publish("app.yaml", "a: 1")
        client = connect(nacos)
        client.listen()
        token = nacos.tokens.log_in(nacos.tokens.username, nacos.tokens.password) or ""
        while client.ask("ConfigQueryRequest", QUERY, accessToken=token).type == "ErrorResponse":
            assert not nacos.grpc.listening
        assert client.ask("ConfigQueryRequest", QUERY).body["errorCode"] == 403
        client.close()


def test_an_unknown_request_is_an_error_of_the_protocol(client: Client) -> None:
    assert client.ask("InstanceRequest", {}).body["resultCode"] == 500


def test_a_taken_port_is_said(nacos: FakeNacosServer) -> None:
    taken = nacos.section()
    port = int(taken["host"].split(":")[1]) + taken["grpc_port_offset"]
    with pytest.raises(RuntimeError, match="bind"):
        GrpcHalf(nacos, nacos.tokens, "DEFAULT_GROUP").start(port)
