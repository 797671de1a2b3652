"""Loopback ports that stay free between looking and using."""

import random
import socket

HOST = "127.0.0.1"
# Below the ranges that systems take outgoing ports from: a client that keeps dialling a stopped server there would
# sooner or later be given that very port as its own end, and be connected to itself.
FIRST, LAST = 15_000, 30_000

_given: set[int] = set()


def free_port(*, offsets: tuple[int, ...] = (0,)) -> int:
    """A port `p` for which all of `p + offset` are free; none is given twice in one process."""
    for _ in range(500):
        port = random.randint(FIRST, LAST)
        wanted = [port + offset for offset in offsets]
        if _given.isdisjoint(wanted) and all(is_free(candidate) for candidate in wanted):
            _given.update(wanted)
            return port
    raise RuntimeError("no free port found")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
