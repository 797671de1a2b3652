"""Which of Nacos' ports answer: the first question of whoever reads that a start failed."""

import asyncio
import ssl
from dataclasses import dataclass
from typing import Final

from app.config.nacos_config import NacosAddress, NacosConnection

_HTTP2_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
_SETTINGS_FRAME: Final = 4


@dataclass(frozen=True)
class Probe:
    """What one server's two ports said."""

    address: NacosAddress
    grpc_port: int
    http: bool
    grpc: bool

    def __str__(self) -> str:
        return (
            f"{self.address.url}: HTTP port {self.address.port} {_said(self.http)}, "
            f"gRPC port {self.grpc_port} {_said(self.grpc)}"
        )


def _said(answered: bool) -> str:
    return "answers" if answered else "does not answer"


async def probe_nacos(connection: NacosConnection, *, timeout_seconds: float = 2.0) -> tuple[Probe, ...]:
    """Asks every port of every address at once. Never raises; an accepting but silent port does not count."""
    return tuple(
        await asyncio.gather(
            *(_probe(address, connection.grpc_port_offset, timeout_seconds) for address in connection.addresses)
        )
    )


async def _probe(address: NacosAddress, grpc_port_offset: int, timeout_seconds: float) -> Probe:
    grpc_port = address.port + grpc_port_offset
    greeting = f"GET {address.context_path}/ HTTP/1.0\r\n\r\n".encode()
    http, grpc = await asyncio.gather(
        _answers(address, address.port, timeout_seconds, greeting, "http/1.1"),
        _answers(address, grpc_port, timeout_seconds, _HTTP2_PREFACE, "h2"),
    )
    return Probe(address, grpc_port, http.startswith(b"HTTP/"), len(grpc) > 3 and grpc[3] == _SETTINGS_FRAME)  # noqa: PLR2004 - the frame's type stands in its 4th byte


async def _answers(address: NacosAddress, port: int, timeout_seconds: float, greeting: bytes, protocol: str) -> bytes:
    """The first bytes that the port answers the greeting with; none when it does not."""
    try:
        async with asyncio.timeout(timeout_seconds):
            reader, writer = await asyncio.open_connection(address.host, port, ssl=_tls(address, protocol))
            try:
                writer.write(greeting)
                await writer.drain()
                return await reader.read(16)
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return b""


def _tls(address: NacosAddress, protocol: str) -> ssl.SSLContext | None:
    """Answering is all that is asked, so no certificate is checked, and nothing secret is sent."""
    if address.scheme != "https":
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols([protocol])
    return context
