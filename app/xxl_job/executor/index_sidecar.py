"""The line index of a big log, kept beside it, so that a restarted executor need not count a million lines again."""

import os
import struct
import zlib
from array import array
from contextlib import suppress
from pathlib import Path
from typing import Final

from app.xxl_job.executor.line_index import LineIndex

SIDECAR_SUFFIX: Final = ".idx"
_MAGIC: Final = b"loglines"
_HEAD: Final = struct.Struct("<8sqq?qI")  # magic, mtime, size, ends whole, marks, checksum of the marks


def load_sidecar(path: Path, found: os.stat_result) -> LineIndex | None:
    """The index of the log at `path` as it is now; None if there is none, or it is of another state, or damaged."""
    try:
        data = path.with_name(path.name + SIDECAR_SUFFIX).read_bytes()
        magic, mtime_ns, size, ends_whole, marks, checksum = _HEAD.unpack_from(data)
    except (OSError, struct.error):
        return None
    body = data[_HEAD.size :]
    if (magic, mtime_ns, size) != (_MAGIC, found.st_mtime_ns, found.st_size):
        return None
    if len(body) != 2 * 8 * marks or zlib.crc32(body) != checksum:
        return None
    index = LineIndex()
    index.offsets, index.counts = array("q", body[: 8 * marks]), array("q", body[8 * marks :])
    index.ends_whole = ends_whole
    return index


def store_sidecar(path: Path, found: os.stat_result, index: LineIndex) -> None:
    """Puts the index beside the log, whole or not at all; without it the next reader counts again."""
    target = path.with_name(path.name + SIDECAR_SUFFIX)
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    body = index.offsets.tobytes() + index.counts.tobytes()
    head = _HEAD.pack(_MAGIC, found.st_mtime_ns, found.st_size, index.ends_whole, len(index.offsets), zlib.crc32(body))
    with suppress(OSError):
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(head + body)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
