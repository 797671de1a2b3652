"""A job log from beginning to end, of any size, plain or compressed: for the machine that it is on."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from app.xxl_job.executor.packed_log import packed_path

_CHUNK_BYTES: Final = 1024 * 1024


def read_whole(path: Path) -> Iterator[bytes]:
    """Pieces of the log at `path`, which is `7.log` or `7.log.gz`; what was compressed first. Raises OSError."""
    plain = path.with_suffix("") if path.suffix == ".gz" else path
    packed = packed_path(plain)
    if packed.exists():
        with gzip.open(packed, "rb") as file:
            while piece := file.read(_CHUNK_BYTES):
                yield piece
    if plain.exists():
        with plain.open("rb") as raw:
            while piece := raw.read(_CHUNK_BYTES):
                yield piece
