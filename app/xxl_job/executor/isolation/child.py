"""The child process: `python -m app.xxl_job.executor.isolation.child <descriptor>`, started by the executor only."""

import asyncio
import faulthandler
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Final

from app.bootstrap import open_child_runtime
from app.common.redaction import register_secrets
from app.common.supervision import failure_of
from app.jobs.exits import exits_contained
from app.jobs.loading import load_job_modules
from app.jobs.threads import context_follows_threads
from app.xxl_job.executor.isolation import messages
from app.xxl_job.executor.isolation.forwarding import Forwarding
from app.xxl_job.executor.isolation.frames import Channel, Frame
from app.xxl_job.executor.isolation.limits import die_with_parent
from app.xxl_job.executor.isolation.printed_lines import capture_prints
from app.xxl_job.executor.isolation.remote_alerts import RemoteAlertSender
from app.xxl_job.executor.isolation.seat import Seat
from app.xxl_job.executor.isolation.settings_transfer import ParentSource, unpack_settings
from app.xxl_job.executor.pyxxl_base import adopt_handlers, plain_functions_welcome

EXIT_REFUSED: Final = 1


def main() -> int:
    """Serves runs until the executor says that it is over, or is gone."""
    die_with_parent()
    faulthandler.enable()
    _forget_own_path()
    descriptor = int(sys.argv[1])
    os.set_inheritable(descriptor, False)
    channel = Channel(socket.socket(fileno=descriptor))
    frames = _frames(channel)
    opening, settings = next(frames), next(frames)
    sys.path[:] = opening["path"]
    if error := asyncio.run(failure_of(_serve(channel, frames, opening, settings))):
        channel.send({"kind": messages.REFUSED, "message": str(error)})
        return EXIT_REFUSED
    return 0


async def _serve(channel: Channel, frames: Iterator[Frame], opening: Frame, settings: Frame) -> None:
    register_secrets(settings["secrets"])
    source = ParentSource(unpack_settings(settings))
    environment = messages.unpack_environment(opening["environment"])
    async with open_child_runtime(
        environment,
        opening["instance"],
        source=source,
        alerts=RemoteAlertSender(channel.send),
        logging=Forwarding(channel.send),
    ) as runtime:
        with plain_functions_welcome():
            registry = load_job_modules(opening["packages"], adopt=adopt_handlers)
        seat = Seat(runtime, registry, source, channel.send, capture_prints(channel.send))
        threading.Thread(target=_listen, args=(frames, seat), name="parent", daemon=True).start()
        with context_follows_threads(), exits_contained(asyncio.get_running_loop()):
            channel.send({"kind": messages.READY})
            await seat.serve()


def _listen(frames: Iterator[Frame], seat: Seat) -> None:
    try:
        for frame in frames:
            seat.take(frame)
    finally:
        os.killpg(0, signal.SIGKILL)  # the executor is gone: nobody waits for what this does


def _frames(channel: Channel) -> Iterator[Frame]:
    while (arrived := channel.receive()) is not None:
        yield from arrived


def _forget_own_path() -> None:
    """Takes out what the executor has put in front of PYTHONPATH: processes of the run start as they would there."""
    _, _, rest = os.environ.pop("PYTHONPATH", "").partition(os.pathsep)
    if rest:
        os.environ["PYTHONPATH"] = rest


if __name__ == "__main__":
    sys.exit(main())
