"""A request to the console as it is written, and where it goes."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import quote, unquote, urlsplit

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_KEPT: Final = "/%:@!$&'()*+,;=~?"
"""What is itself in a path and a query; anything else is sent as %XX."""
_FORBIDDEN: Final = frozenset("\r\n\0")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where connections lead."""

    host: str
    port: int
    is_tls: bool


@lru_cache(maxsize=64)
def locate(url: str) -> tuple[Origin, str]:
    """The origin of a URL, and how a request to it begins. Raises ValueError for one that leads nowhere."""
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError("the console's address is no URL with http or https")
    host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode()
    default = _DEFAULT_PORTS[parts.scheme]
    port = default if parts.port is None else parts.port
    name = f"[{host}]" if ":" in host else host
    target = quote(f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/", safe=_KEPT)
    lines = [
        f"POST {target} HTTP/1.1",
        f"Host: {name}" if port == default else f"Host: {name}:{port}",
        "Accept: */*",
        "Accept-Encoding: identity",
    ]
    if parts.username is not None:
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        lines.append(f"Authorization: Basic {b64encode(credentials).decode()}")
    return Origin(host, port, parts.scheme == "https"), "\r\n".join(lines)


def build_request(beginning: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """The whole request. Raises ValueError for a header that would be more than one."""
    lines = [f"{name}: {value}" for name, value in headers.items()]
    text = "\r\n".join([beginning, *lines, f"Content-Length: {len(body)}", "", ""])
    if any(not _FORBIDDEN.isdisjoint(line) for line in lines):
        raise ValueError("a header has a line break in it")
    return text.encode() + body
