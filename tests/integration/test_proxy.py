"""The fault proxy does to a connection what its words say."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from servers.ports import HOST
from servers.proxy import ProxyGroup, open_proxy


@pytest.fixture
def echo_port() -> Iterator[int]:
    with socket.create_server((HOST, 0)) as listener:
        thread = threading.Thread(target=echo, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(timeout=5)


@pytest.fixture
def proxy(echo_port: int) -> Iterator[ProxyGroup]:
    with open_proxy(echo_port) as group:
        yield group


def echo(listener: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            near, _ = listener.accept()
            threading.Thread(target=echo_one, args=(near,), daemon=True).start()


def echo_one(near: socket.socket) -> None:
    with near, contextlib.suppress(OSError):
        while chunk := near.recv(1024):
            near.sendall(chunk)


def ask(connection: socket.socket, text: bytes) -> bytes:
    connection.sendall(text)
    return connection.recv(1024)


def dial(proxy: ProxyGroup) -> socket.socket:
    return socket.create_connection((HOST, proxy.port), timeout=2)


def test_bytes_pass_in_both_directions(proxy: ProxyGroup) -> None:
    with dial(proxy) as connection:
        assert ask(connection, b"hello") == b"hello"


def test_cut_breaks_open_connections_and_refuses_new_ones(proxy: ProxyGroup) -> None:
    with dial(proxy) as connection:
        ask(connection, b"hello")
        proxy.cut()
        assert connection.recv(1024) == b""
    with pytest.raises(ConnectionRefusedError):
        dial(proxy)


def test_a_dropped_connection_can_be_dialled_again(proxy: ProxyGroup) -> None:
    with dial(proxy) as connection:
        ask(connection, b"hello")
        proxy.drop_connections()
        assert connection.recv(1024) == b""
    with dial(proxy) as connection:
        assert ask(connection, b"again") == b"again"


def test_a_black_hole_accepts_and_stays_silent_until_restored(proxy: ProxyGroup) -> None:
    proxy.black_hole()
    with dial(proxy) as connection:
        connection.sendall(b"anyone?")
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(1024)

        proxy.restore()
        connection.settimeout(2)
        assert connection.recv(1024) == b"anyone?"


def test_a_delay_holds_bytes_back(proxy: ProxyGroup) -> None:
    with dial(proxy) as connection:
        proxy.delay(0.1)
        begin = time.monotonic()
        assert ask(connection, b"slow") == b"slow"
        assert time.monotonic() - begin >= 0.2


def test_a_cut_proxy_serves_again_on_the_same_port_when_restored(proxy: ProxyGroup) -> None:
    proxy.cut()
    proxy.restore()
    with dial(proxy) as connection:
        assert ask(connection, b"back") == b"back"
