"""The gRPC half of the fake Nacos: what the SDK needs to connect, listen, be told of a change, and read."""

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

import grpc

from app.testing.fake_nacos import FakeNacos
from app.testing.fake_nacos_http import Tokens, md5
from app.testing.nacos_wire import Payload, decode

_STREAMS: Final = 16
_ABSENT: Final = 300
_UNREGISTERED: Final = 301
_NO_RIGHT: Final = 403
_OPEN: Final = frozenset({"ServerCheckRequest", "HealthCheckRequest"})
"""Asked without a token."""


@dataclass
class _Listener:
    """One connection: what it listens to, and what it is to be told; None ends its stream."""

    told: "queue.Queue[Payload | None]" = field(default_factory=queue.Queue)
    known: dict[tuple[str, str], str] = field(default_factory=dict)
    """The md5 that the client has, by namespace and data id."""


class GrpcHalf:
    """Serves on this machine in threads of its own."""

    def __init__(self, nacos: FakeNacos, tokens: Tokens, group: str) -> None:
        self._nacos = nacos
        self._tokens = tokens
        self._group = group
        self._listeners: dict[str, _Listener] = {}
        self._lock = threading.Lock()
        self._server: Any = None
        self._answers: dict[str, Callable[[Payload, str], Payload]] = {
            "ServerCheckRequest": lambda _, peer: _ok("ServerCheckResponse", connectionId=peer),
            "HealthCheckRequest": lambda *_: _ok("HealthCheckResponse"),
            "ConfigBatchListenRequest": self._listen,
            "ConfigQueryRequest": self._query,
        }

    @property
    def listening(self) -> int:
        """How many connections listen."""
        return len(self._listeners)

    def start(self, port: int) -> int:
        """Returns the port. Raises RuntimeError for one that is taken."""
        server = grpc.server(ThreadPoolExecutor(_STREAMS, "fake-nacos"), options=[("grpc.so_reuseport", 0)])
        unary = grpc.unary_unary_rpc_method_handler(self._request)
        stream = grpc.stream_stream_rpc_method_handler(self._stream)
        server.add_generic_rpc_handlers(
            (
                grpc.method_handlers_generic_handler("Request", {"request": unary}),
                grpc.method_handlers_generic_handler("BiRequestStream", {"requestBiStream": stream}),
            )
        )
        bound: int = server.add_insecure_port(f"127.0.0.1:{port}")
        server.start()
        self._server = server
        return bound

    def stop(self) -> None:
        self.drop()
        if self._server is not None:
            self._server.stop(0).wait()
            self._server = None

    def drop(self) -> None:
        """Cuts every stream."""
        with self._lock:
            for listener in self._listeners.values():
                listener.told.put(None)
            self._listeners.clear()

    def tell(self, namespace: str, data_id: str, text: str | None) -> None:
        """Tells who listens, and has another text, that there is a new one."""
        body = {"group": self._group, "dataId": data_id, "tenant": namespace}
        with self._lock:
            for listener in self._listeners.values():
                if listener.known.get((namespace, data_id), md5(text or "")) != md5(text or ""):
                    listener.told.put(Payload("ConfigChangeNotifyRequest", {**body, "requestId": "1"}))

    def _stream(self, messages: Iterator[bytes], context: Any) -> Iterator[bytes]:
        listener = _Listener()
        with self._lock:
            self._listeners[context.peer()] = listener
        context.add_callback(lambda: listener.told.put(None))
        threading.Thread(target=_read_on, args=(messages,), name="fake-nacos-acks", daemon=True).start()
        while (payload := listener.told.get()) is not None:
            yield payload.encode()
        with self._lock:
            if self._listeners.get(context.peer()) is listener:
                del self._listeners[context.peer()]
        context.abort(grpc.StatusCode.UNAVAILABLE, "the fake Nacos dropped the stream")

    def _request(self, data: bytes, context: Any) -> bytes:
        self._nacos.wait_until_free()
        if not self._nacos.grpc_answers:
            context.abort(grpc.StatusCode.UNAVAILABLE, "the fake Nacos does not answer over gRPC")
        request = decode(data)
        return self._judge(request, context.peer()).encode()

    def _judge(self, request: Payload, peer: str) -> Payload:
        answer = self._answers.get(request.type)
        if answer is None:
            return _error(_ABSENT, f"the fake Nacos knows no {request.type}")
        if request.type not in _OPEN:
            if peer not in self._listeners:
                return _error(_UNREGISTERED, "Connection is unregistered.")
            if not self._tokens.accepts(request.headers.get("accessToken", "")):
                return _error(_NO_RIGHT, "token invalid!")
        return answer(request, peer)

    def _listen(self, request: Payload, peer: str) -> Payload:
        changed = []
        with self._lock:
            listener = self._listeners.get(peer)
            for one in request.body["configListenContexts"]:
                where = (one.get("tenant", ""), one["dataId"])
                if listener is not None:
                    listener.known[where] = one.get("md5", "")
                text = self._nacos.text(*where) if one["group"] == self._group else None
                if not self._nacos.deaf and md5(text or "") != (one.get("md5") or md5("")):
                    changed.append({"group": one["group"], "dataId": one["dataId"], "tenant": where[0]})
        return _ok("ConfigChangeBatchListenResponse", changedConfigs=changed)

    def _query(self, request: Payload, peer: str) -> Payload:
        body = request.body
        where = (body.get("tenant", ""), body["dataId"])
        text = self._nacos.text(*where) if body["group"] == self._group else None
        if text is None:
            return _error(_ABSENT, "config data not exist")
        with self._lock:
            if (listener := self._listeners.get(peer)) is not None and where in listener.known:
                listener.known[where] = md5(text)
        return _ok("ConfigQueryResponse", content=text, md5=md5(text), contentType="yaml", lastModified=0)


def _read_on(messages: Iterator[bytes]) -> None:
    """Takes what the client acknowledges; ends with the stream, by whatever the library raises then."""
    try:
        for _ in messages:
            continue
    except grpc.RpcError:
        return


def _ok(kind: str, **body: Any) -> Payload:
    return Payload(kind, {"resultCode": 200, "errorCode": 0, **body})


def _error(code: int, message: str) -> Payload:
    return Payload("ErrorResponse", {"resultCode": 500, "errorCode": code, "message": message})
