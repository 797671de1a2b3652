"""Compressed logs: gzip members of 256 KiB each. Any gunzip reads them as one file; a page needs one or two of them.

Each member's header says how long it is and how many lines end in it: the index is in the file, and is read in hops.
"""

import os
import struct
import threading
import zlib
from array import array
from bisect import bisect_right
from pathlib import Path
from typing import Final

from app.xxl_job.executor.day_folder import PACKED_SUFFIX
from app.xxl_job.executor.line_index import LineIndex
from app.xxl_job.executor.log_page import LogPage, PageSource, read_page

PACKED_BLOCK_BYTES: Final = 256 * 1024
_LEVEL: Final = 6
_HEAD: Final = struct.Struct("<4s6sH2sH3I")
"""gzip's ten bytes (with an extra field), the field's length, its name, the length of what follows: ours."""
_TAIL: Final = struct.Struct("<2I")
_MAGIC: Final = b"\x1f\x8b\x08\x04"
_REST: Final = b"\0\0\0\0\0\xff"
_NAME: Final = b"LL"
_GZIP: Final = 31
"""zlib's number for: a gzip header, and its checksum."""


def pack_block(data: bytes) -> bytes:
    """One member; at most `PACKED_BLOCK_BYTES` go in."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = packer.compress(data) + packer.flush()
    length = _HEAD.size + len(body) + _TAIL.size
    ours = (length, len(data), data.count(b"\n"))
    head = _HEAD.pack(_MAGIC, _REST, 16, _NAME, 12, *ours)
    return head + body + _TAIL.pack(zlib.crc32(data), len(data))


class PackedLog:
    """Reads pages of a compressed log. Callable from any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._state: tuple[int, int] | None = None
        self._index = LineIndex()
        self._members = array("q", [0])

    def page(self, from_line: int, *, finished: bool, limit_bytes: int) -> LogPage:
        """Raises OSError; FileNotFoundError where the file is gone."""
        with self._lock, self._path.open("rb", buffering=0) as file:
            descriptor = file.fileno()
            self._look(descriptor)
            blocks = _Blocks(descriptor, self._index, self._members)
            log_id, place = self._path.name.split(".")[0], f"{self._path.parent.name}/{self._path.name}"
            source = PageSource(self._index, blocks.read, f"python -m app job log {log_id}, or zcat {place}")
            return read_page(source, from_line, finished=finished, limit_bytes=limit_bytes)

    def _look(self, descriptor: int) -> None:
        found = os.fstat(descriptor)
        state = (found.st_size, found.st_mtime_ns)
        if state != self._state:
            self._index, self._members = read_members(descriptor, found.st_size)
            self._state = state


def read_members(descriptor: int, size: int) -> tuple[LineIndex, "array[int]"]:
    """The index of the text, and where each member begins. Raises OSError for a file that isn't ours, or is cut."""
    index, members, position = LineIndex(), array("q", [0]), 0
    while position < size:
        head = os.pread(descriptor, _HEAD.size, position)
        if len(head) < _HEAD.size or not head.startswith(_MAGIC) or head[12:14] != _NAME:
            raise OSError(0, "compressed by another program, or damaged")
        length, raw, lines = _HEAD.unpack(head)[-3:]
        position += length
        if position > size or length <= _HEAD.size:
            raise OSError(0, "damaged")
        index.mark(index.size_bytes + raw, index.lines + lines)
        members.append(position)
    if index.size_bytes:
        blocks = _Blocks(descriptor, index, members)
        index.ends_whole = blocks.read(index.size_bytes - 1, 1) == b"\n"
    return index, members


class _Blocks:
    """Bytes of the text by their offset; remembers one block, since pages begin in the block that was searched."""

    def __init__(self, descriptor: int, index: LineIndex, members: "array[int]") -> None:
        self._descriptor = descriptor
        self._index = index
        self._members = members
        self._known = (-1, b"")

    def read(self, offset: int, length: int) -> bytes:
        parts: list[bytes] = []
        block = bisect_right(self._index.offsets, offset) - 1
        while length > 0 and block < len(self._members) - 1:
            begin = offset - self._index.offsets[block]
            part = self._block(block)[begin : begin + length]
            parts.append(part)
            offset, length, block = offset + len(part), length - len(part), block + 1
        return b"".join(parts)

    def _block(self, number: int) -> bytes:
        if self._known[0] != number:
            begin = self._members[number]
            packed = os.pread(self._descriptor, self._members[number + 1] - begin, begin)
            try:
                self._known = (number, zlib.decompress(packed, _GZIP))
            except zlib.error:
                raise OSError(0, "damaged") from None
        return self._known[1]


def packed_path(path: Path) -> Path:
    return path.with_name(path.name + PACKED_SUFFIX)
