"""A child process of isolated runs, spoken to frame by frame."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.jobs.registry import build_definition
from app.jobs.run import Run
from app.xxl_job.executor.isolation.frames import Channel
from app.xxl_job.executor.isolation.messages import pack_opening, pack_run
from app.xxl_job.executor.isolation.process import ChildProcess
from app.xxl_job.executor.isolation.settings_transfer import pack_settings
from support.jobs_support import build_record
from support.runtime import build_environment
from support.snapshots import snapshot_of

PACKAGES = ("support.isolated_jobs",)


class RawChild:
    """Both ends of the channel are in this process's hands; nothing is read but by `read_until`."""

    def __init__(self, folder: Path, packages: tuple[str, ...], text: str) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = ChildProcess(theirs)
        self.channel = Channel(ours)
        self.frames: list[Any] = []
        self.channel.send(pack_opening(build_environment(folder, "test"), "executor-raw-0", packages))
        self.send_settings(text)

    def send_settings(self, text: str, /, revision: int = 1, **changes: Any) -> None:
        self.channel.send({**pack_settings(snapshot_of(text, revision)), **changes})

    def run(self, handler: str, **fields: Any) -> None:
        run = Run(build_record(handler=handler, **fields), build_definition(handler, lambda: None))
        self.channel.send(pack_run(run))

    def read_until(self, kind: str, seconds: float = 30.0) -> list[Any]:
        """Every frame up to the first of that kind."""
        end = time.monotonic() + seconds
        while not any(frame["kind"] == kind for frame in self.frames):
            arrived = self.channel.receive()
            assert arrived is not None, f"the child is gone: {self.frames}"
            assert time.monotonic() < end
            self.frames += arrived
        place = next(index for index, frame in enumerate(self.frames) if frame["kind"] == kind) + 1
        read, self.frames = self.frames[:place], self.frames[place:]
        return read

    def settled(self) -> Any:
        """What the run has returned or raised."""
        return next(frame for frame in self.read_until("ended") if frame["kind"] == "settled")

    def exit_code(self, seconds: float = 10.0) -> int:
        """Once the child has ended by itself."""
        end = time.monotonic() + seconds
        while not self.process.has_ended():
            assert time.monotonic() < end, "the child goes on"
            self.process.wait(0.05)
        return self.process.bury()


@contextmanager
def open_raw_child(
    folder: Path, *, packages: tuple[str, ...] = PACKAGES, text: str = "shop: {limit: 3}\n"
) -> Iterator[RawChild]:
    child = RawChild(folder, packages, text)
    try:
        yield child
    finally:
        child.channel.close()
        child.process.bury()
