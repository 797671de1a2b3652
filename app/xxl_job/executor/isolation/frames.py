"""The channel between the executor and a child process: JSON objects, each behind its length in four bytes."""

import json
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from typing import Any, Final

Frame = Mapping[str, Any]

_LENGTH: Final = struct.Struct(">I")
_CHUNK_BYTES: Final = 256 * 1024


class FrameDecoder:
    """Puts frames together from bytes as they come."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Every frame that is whole now."""
        self._buffer += data
        while len(self._buffer) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._buffer)[0]
            if len(self._buffer) < end:
                return
            content = bytes(self._buffer[_LENGTH.size : end])
            del self._buffer[:end]
            yield json.loads(content)


def encode_frame(frame: Frame) -> bytes:
    """The frame as it travels. What JSON doesn't know becomes text."""
    content = json.dumps(frame, default=str, separators=(",", ":")).encode("ascii")
    return _LENGTH.pack(len(content)) + content


class Channel:
    """One end. `send` is called from any thread, `receive` from one."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self._decoder = FrameDecoder()
        self._sending = threading.Lock()

    def send(self, *frames: Frame) -> None:
        """Waits while the other side is slow: that is what bounds memory. Raises OSError when it is gone."""
        data = b"".join(map(encode_frame, frames))
        with self._sending:
            self.socket.sendall(data)

    def try_send(self, frame: Frame) -> None:
        """Sends a small frame, or lets it be when it would have to wait."""
        if self._sending.acquire(blocking=False):
            try:
                self.socket.send(encode_frame(frame), socket.MSG_DONTWAIT)
            except OSError:
                return
            finally:
                self._sending.release()

    def receive(self, *, wait: bool = True) -> list[Frame] | None:
        """What has arrived, perhaps nothing whole yet; None when the other side is gone, or (without `wait`) silent."""
        try:
            data = self.socket.recv(_CHUNK_BYTES, 0 if wait else socket.MSG_DONTWAIT)
        except OSError:
            return None
        return list(self._decoder.feed(data)) if data else None

    def close(self) -> None:
        self.socket.close()
