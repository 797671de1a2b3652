"""The one message of Nacos' gRPC interface: a type, headers and a JSON body, as protocol buffers have them.

message Metadata { string type = 3; map<string, string> headers = 7; string clientIp = 8; }
message Payload  { Metadata metadata = 2; google.protobuf.Any body = 3; }
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_LENGTH_DELIMITED: Final = 2
_MORE: Final = 0x80


@dataclass(frozen=True)
class Payload:
    """One message."""

    type: str
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    def encode(self) -> bytes:
        headers = b"".join(
            _field(7, _field(1, key.encode()) + _field(2, value.encode())) for key, value in self.headers.items()
        )
        metadata = _field(3, self.type.encode()) + headers
        return _field(2, metadata) + _field(3, _field(2, json.dumps(self.body).encode()))


def decode(data: bytes) -> Payload:
    """Raises ValueError for what is no such message."""
    parts = dict(_fields(data))
    metadata = list(_fields(parts.get(2, b"")))
    headers = [dict(_fields(entry)) for number, entry in metadata if number == 7]  # noqa: PLR2004 - see above
    body = dict(_fields(parts.get(3, b""))).get(2, b"{}")
    return Payload(
        type=dict(metadata).get(3, b"").decode(),
        body=json.loads(body),
        headers={entry.get(1, b"").decode(): entry.get(2, b"").decode() for entry in headers},
    )


def _field(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | _LENGTH_DELIMITED) + _varint(len(value)) + value


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        if key & 7 != _LENGTH_DELIMITED:
            raise ValueError("a field that Nacos' messages don't have")
        length, at = _read_varint(data, at)
        if at + length > len(data):
            raise ValueError("a message that is cut off")
        yield key >> 3, data[at : at + length]
        at += length


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= _MORE:
        out.append(value & 0x7F | _MORE)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data):
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < _MORE:
            return value, at
    raise ValueError("a message that is cut off")
