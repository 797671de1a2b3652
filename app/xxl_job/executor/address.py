"""The address that the console is told: where it reaches this executor."""

import fcntl
import ipaddress
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Final
from urllib.parse import urlsplit

from app.common.errors import StartupError
from app.config.xxl_job_config import ALL_INTERFACES, LOOPBACK, ExecutorConfiguration

_SIOCGIFADDR: Final = {"linux": 0x8915, "darwin": 0xC0206921}
_WILDCARDS: Final = frozenset({ALL_INTERFACES, "::", ""})


def resolve_address(configuration: ExecutorConfiguration, port: int) -> str:
    """The URL to register for the bound `port`. May ask the name service, so call it in a thread.

    Raises StartupError when `xxl-job.advertise` fits no address of this machine.
    """
    wanted = configuration.advertise
    if "://" in wanted:
        return wanted.rstrip("/")
    if wanted:
        return _url(_matching(wanted), port)
    if configuration.pod_ip:
        return _url(configuration.pod_ip, port)
    if configuration.host not in _WILDCARDS:
        return _url(configuration.host, port)
    return _url(_reaching(configuration.console_urls[0]), port)


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _matching(wanted: str) -> str:
    addresses = dict(_interface_addresses())
    if wanted in addresses:
        return addresses[wanted]
    with suppress(ValueError):
        network = ipaddress.ip_network(wanted, strict=False)
        for address in addresses.values():
            if ipaddress.ip_address(address) in network:
                return address
        if network.num_addresses == 1:  # an address given as such, perhaps one outside of a container
            return str(network.network_address)
    found = ", ".join(f"{name} {address}" for name, address in addresses.items())
    raise StartupError(f"xxl-job.advertise {wanted!r} is neither a URL nor an address or interface here ({found})")


def _interface_addresses() -> Iterator[tuple[str, str]]:
    """IPv4 address by interface name."""
    request = _SIOCGIFADDR["darwin" if sys.platform == "darwin" else "linux"]
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        for _, name in socket.if_nameindex():
            with suppress(OSError):  # an interface without an IPv4 address
                answer = fcntl.ioctl(probe.fileno(), request, struct.pack("256s", name.encode()[:15]))
                yield name, socket.inet_ntoa(answer[20:24])


def _reaching(console_url: str) -> str:
    """The local address that a packet to the console would leave from. Connecting a UDP socket sends nothing."""
    parts = urlsplit(console_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        family, kind, protocol, _, target = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_DGRAM)[0]
        with closing(socket.socket(family, kind, protocol)) as probe:
            probe.connect(target)
            return str(probe.getsockname()[0])
    except OSError:  # the name may resolve later; until then this is the best guess
        with suppress(OSError):
            return socket.gethostbyname(socket.gethostname())
        return LOOPBACK
