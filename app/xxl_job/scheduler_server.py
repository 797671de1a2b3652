"""The executor's process: `python -m app.xxl_job.scheduler_server`."""

import asyncio
import errno
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import uvloop

from app.bootstrap import job_packages, open_runtime
from app.common.const import EXIT_CONFIG, ProcessRole
from app.common.errors import StartupError
from app.jobs.hosting import hosting_runs
from app.jobs.loading import load_job_modules
from app.jobs.registry import JobRegistry
from app.runtime import Runtime
from app.xxl_job.executor.control_plane import ControlPlane
from app.xxl_job.executor.pyxxl_base import adopt_handlers, plain_functions_welcome

EXIT_PORT_TAKEN: Final = 1
PATIENCE_SECONDS: Final = 5.0


def main() -> int:
    """Runs the executor until SIGTERM or SIGINT; returns the exit code."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve())
    except StartupError as error:
        print(f"executor can't start: {error.message}", file=sys.stderr)  # noqa: T201 - the one line a user must see
        return EXIT_CONFIG
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        reason = "port taken: stop what uses it, or set xxl-job.port (APP__XXL_JOB__PORT) to a free one"
        print(f"executor can't start: {reason} ({error.strerror})", file=sys.stderr)  # noqa: T201 - as above
        return EXIT_PORT_TAKEN
    return 0


async def serve() -> None:
    async with open_runtime(ProcessRole.EXECUTOR) as runtime:
        with hosting_runs(asyncio.get_running_loop()):
            registry = load_jobs(runtime)
            plane = ControlPlane(runtime, registry, asyncio.get_running_loop())
            with signals_to(plane.request_stop):
                address = await plane.start()
                plane.on_stopped(_leave_in_time)
                app_name = runtime.settings.state.snapshot.settings.xxl_job.app_name
                print(f"executor {app_name} at {address}, jobs: {', '.join(registry.names()) or 'none'}", flush=True)  # noqa: T201
                try:
                    await plane.stopped()
                except asyncio.CancelledError:  # what a job gave to the loop left the process: outcomes go out
                    plane.request_stop()
                    await plane.stopped()
                    raise


def load_jobs(runtime: Runtime) -> JobRegistry:
    """The jobs of the task packages in the settings and of the features."""
    with plain_functions_welcome():
        return load_job_modules(job_packages(runtime.settings.state.snapshot.settings), adopt=adopt_handlers)


@contextmanager
def signals_to(stop: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and SIGINT call `stop`, even while a job blocks the main loop: so not by the loop's own handlers."""
    former = {number: signal.signal(number, lambda *_: stop()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _leave_in_time(error: BaseException | None) -> None:
    """Every callback is out: a job that ignores its cancellation no longer holds the process."""
    timer = threading.Timer(PATIENCE_SECONDS, os._exit, (0 if error is None else 1,))
    timer.daemon = True
    timer.start()


if __name__ == "__main__":
    sys.exit(main())
