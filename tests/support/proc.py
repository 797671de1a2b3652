"""What the kernel tells of processes in /proc."""

from pathlib import Path

import pytest

PROC = Path("/proc")
LISTENING = "0A"

needs_proc = pytest.mark.skipif(not (PROC / "self" / "environ").exists(), reason="reads /proc, which Linux has")


def started_with(variable: str) -> set[int]:
    """The living processes whose environment holds `variable` (`NAME=value`), children of children too."""
    wanted = b"\0" + variable.encode() + b"\0"
    return {int(folder.name) for folder in PROC.glob("[0-9]*") if wanted in b"\0" + _bytes_of(folder / "environ")}


def command_of(pid: int) -> str:
    """The command line, or "" when the process has ended."""
    return _bytes_of(PROC / str(pid) / "cmdline").replace(b"\0", b" ").decode(errors="replace").strip()


def is_running(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    state = _bytes_of(PROC / str(pid) / "stat").rpartition(b")")[2].split()
    return bool(state) and state[0] != b"Z"


def listening_addresses(pid: int) -> set[str]:
    """What the process listens on: `127.0.0.1:8000`, IPv6 as the kernel writes it."""
    own = {link.readlink().name for link in (PROC / str(pid) / "fd").iterdir()}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in _bytes_of(PROC / str(pid) / "net" / table).decode().splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if state == LISTENING and f"socket:[{rest[5]}]" in own:
                found.add(_readable(local))
    return found


def _readable(address: str) -> str:
    host, port = address.split(":")
    if len(host) == 8:
        host = ".".join(str(byte) for byte in reversed(bytes.fromhex(host)))
    return f"{host}:{int(port, 16)}"


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
