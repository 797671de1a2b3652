"""A TCP proxy with faults, on threads of its own, so that it works however the code under test uses its loop."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from servers.ports import HOST, free_port

CHUNK_BYTES = 65_536


class TcpProxy:
    """Listens on `port` and passes bytes on to `target_port`, until told to misbehave."""

    def __init__(self, target_port: int, *, port: int) -> None:
        self.port = port
        self._target_port = target_port
        self._delay_seconds = 0.0
        self._flowing = threading.Event()
        self._flowing.set()
        self._closed = threading.Event()
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None
        self._listen()

    def cut(self) -> None:
        """Breaks every connection and refuses new ones."""
        listener, self._listener = self._listener, None
        if listener is not None:
            _close(listener)
        self.drop_connections()

    def drop_connections(self) -> None:
        """Breaks every connection; new ones are welcome."""
        with self._lock:
            doomed, self._connections = self._connections, set()
        for connection in doomed:
            _close(connection)

    def black_hole(self) -> None:
        """Keeps connections open, accepts new ones, and lets no byte through."""
        self._flowing.clear()

    def delay(self, seconds: float) -> None:
        """Holds every chunk back for `seconds`, in each direction."""
        self._delay_seconds = seconds

    def restore(self) -> None:
        """Behaves again; what a black hole held back arrives late."""
        self._delay_seconds = 0.0
        self._flowing.set()
        if self._listener is None:
            self._listen()

    def close(self) -> None:
        self._closed.set()
        self.cut()
        self._flowing.set()
        for thread in self._threads:
            thread.join(timeout=5)

    def _listen(self) -> None:
        listener = socket.create_server((HOST, self.port), backlog=128)
        self._listener = listener
        self._spawn(self._accept, listener)

    def _spawn(self, work: Callable[..., None], *sockets: socket.socket) -> None:
        thread = threading.Thread(target=work, args=sockets, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection((HOST, self._target_port), timeout=5)
            except OSError:
                _close(near)
                continue
            far.settimeout(None)
            with self._lock:
                self._connections |= {near, far}
            self._spawn(self._pump, near, far)
            self._spawn(self._pump, far, near)

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(CHUNK_BYTES):
                time.sleep(self._delay_seconds)
                self._flowing.wait()
                if self._closed.is_set():
                    break
                sink.sendall(chunk)
        for end in (source, sink):
            _close(end)
        with self._lock:
            self._connections -= {source, sink}


class ProxyGroup:
    """Several proxies that misbehave together, such as Nacos' two ports."""

    def __init__(self, proxies: Sequence[TcpProxy]) -> None:
        self.proxies = list(proxies)

    @property
    def port(self) -> int:
        return self.proxies[0].port

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    def cut(self) -> None:
        for proxy in self.proxies:
            proxy.cut()

    def drop_connections(self) -> None:
        for proxy in self.proxies:
            proxy.drop_connections()

    def black_hole(self) -> None:
        for proxy in self.proxies:
            proxy.black_hole()

    def delay(self, seconds: float) -> None:
        for proxy in self.proxies:
            proxy.delay(seconds)

    def restore(self) -> None:
        for proxy in self.proxies:
            proxy.restore()


@contextlib.contextmanager
def open_proxy(target_port: int, *, offsets: tuple[int, ...] = (0,)) -> Iterator[ProxyGroup]:
    """Proxies for `target_port` + each offset, on a free port + the same: open_proxy(nacos.port, offsets=(0, 1000))."""
    port = free_port(offsets=offsets)
    group = ProxyGroup([TcpProxy(target_port + offset, port=port + offset) for offset in offsets])
    try:
        yield group
    finally:
        for proxy in group.proxies:
            proxy.close()


def _close(connection: socket.socket) -> None:
    # shutdown first: closing alone does not wake a thread that waits in recv or accept.
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
