"""One warm child and the thread that starts it, reads what it says and buries it."""

import os
import select
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from app.alerts.base import AlertSender
from app.common.logger import log
from app.common.supervision import failure_of_call
from app.xxl_job.executor.isolation import messages
from app.xxl_job.executor.isolation.failures import WorkerUnfit
from app.xxl_job.executor.isolation.frames import Channel, Frame
from app.xxl_job.executor.isolation.hearing import Hearing
from app.xxl_job.executor.isolation.process import ChildProcess, describe_exit
from app.xxl_job.executor.isolation.settings_transfer import SettingsFrames
from app.xxl_job.executor.isolation.task import Task

GRACE_SECONDS: Final = 1.0
"""What a run is given after it was asked to stop, and a child to close what it holds."""
_LOOK_MILLISECONDS: Final = 500
_CHUNK_BYTES: Final = 64 * 1024
_MOST_READS: Final = 16


class WorkerListener(Protocol):
    """Told in the worker's thread."""

    def ready(self, worker: "Worker") -> None: ...

    def gone(self, worker: "Worker", refusal: str | None) -> None:
        """The process has ended; `refusal` says why it never got ready."""
        ...


@dataclass(frozen=True)
class WorkerParts:
    """What every worker of a pool is made of."""

    opening: Callable[[], Frame]
    settings: SettingsFrames
    alerts: AlertSender
    grace_seconds: float = GRACE_SECONDS


class Worker:
    """Runs one task at a time. Public methods are called from any thread."""

    def __init__(self, parts: WorkerParts, listener: WorkerListener) -> None:
        self._parts = parts
        self._listener = listener
        self._hearing = Hearing(parts.alerts, lambda: listener.ready(self), self._finish)
        self._sent: object = None
        self._sending_settings = threading.Lock()
        self._lock = threading.Lock()
        self._is_gone = False
        self._channel: Channel | None = None
        self.process: ChildProcess | None = None
        # one thread for the child's whole life: the kernel ends the child with the thread that started it
        self.thread = threading.Thread(target=self._live, name="isolation-worker", daemon=True)

    def execute(self, request: Frame, *, live: bool, is_stopped: Callable[[], bool]) -> Frame:
        """Runs it in the child and waits for its end; the frame tells the result.

        Raises WorkerDied when the child ended in the middle of it, WorkerUnfit when it ended before.
        """
        task = Task(request, live=live)
        with self._lock:
            channel = self._channel
            if self._is_gone or channel is None:
                raise WorkerUnfit
            self._hearing.task = task
        with suppress(OSError):  # then the thread finds out that the child is gone
            self._send_settings(channel)
            channel.send(request)
        if is_stopped():
            self.stop()
        return task.result()

    def stop(self) -> None:
        """Asks the run to end, and kills the process group when it doesn't within the grace. Returns at once."""
        with self._lock:
            task, channel = self._hearing.task, self._channel
            if task is None or channel is None or task.timer is not None:
                return
            task.timer = self._timer(lambda: self._kill(task))
        channel.try_send({"kind": messages.STOP})

    def close(self) -> None:
        """Asks the child to close what it holds and end; after the grace it is killed. Returns at once."""
        channel = self._channel
        if channel is not None:
            channel.try_send({"kind": messages.CLOSE})
        self._timer(self.kill)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()

    def _timer(self, work: Callable[[], None]) -> threading.Timer:
        timer = threading.Timer(self._parts.grace_seconds, work)
        timer.daemon = True
        timer.start()
        return timer

    def _kill(self, task: Task) -> None:
        with self._lock:
            if self._hearing.task is not task:
                return
        self.kill()

    def _finish(self, task: Task) -> None:
        self._drain_output()
        with self._lock:
            self._hearing.task = None
        task.end()

    def _send_settings(self, channel: Channel) -> None:
        with self._sending_settings:
            snapshot = self._parts.settings.snapshot
            if snapshot is not self._sent:
                channel.send(self._parts.settings.frame_of(snapshot))
                self._sent = snapshot

    def _live(self) -> None:
        error = failure_of_call(self._start) or failure_of_call(self._read_until_gone)
        if error is not None:
            log.opt(exception=error).error("isolated worker failed")
        self._end(error)

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            channel = Channel(ours)
            try:
                self.process = ChildProcess(theirs)
            except OSError:
                channel.close()
                raise
        self._channel = channel
        with suppress(OSError):  # it has ended already, and the exit code says why
            channel.send(self._parts.opening())
            self._send_settings(channel)

    def _read_until_gone(self) -> None:
        process, channel = self.process, self._channel
        if process is None or channel is None:
            return
        poll = select.poll()
        poll.register(channel.socket, select.POLLIN)
        poll.register(process.output, select.POLLIN)
        while True:
            ready = [descriptor for descriptor, _ in poll.poll(_LOOK_MILLISECONDS)]
            if process.output.fileno() in ready and not self._read_output(process):
                poll.unregister(process.output)
            if channel.socket.fileno() in ready and not self._read_frames(channel):
                process.wait(self._parts.grace_seconds)
                break
            if not ready and process.has_ended():  # what it started may hold the channel open
                break
            self._keep_live(channel)
        while self._read_frames(channel):
            pass
        self._drain_output()

    def _read_frames(self, channel: Channel) -> bool:
        frames = channel.receive(wait=False)
        for frame in frames or ():
            self._hearing.take(frame)
        return frames is not None

    def _drain_output(self) -> None:
        """What the run wrote is in the pipe by now; what others go on writing is not waited for."""
        process = self.process
        reads = 0
        while process is not None and reads < _MOST_READS and self._read_output(process):
            reads += 1
        self._hearing.take_output(b"")

    def _read_output(self, process: ChildProcess) -> bool:
        try:
            data = os.read(process.output.fileno(), _CHUNK_BYTES)
        except BlockingIOError:
            return False
        self._hearing.take_output(data)
        return bool(data)

    def _keep_live(self, channel: Channel) -> None:
        task = self._hearing.task
        if task is not None and task.live and self._parts.settings.snapshot is not self._sent:
            with suppress(OSError):
                self._send_settings(channel)

    def _end(self, error: Exception | None) -> None:
        code = self.process.bury() if self.process is not None else 0
        with self._lock:
            self._is_gone = True
            task, self._hearing.task = self._hearing.task, None
        if self._channel is not None:
            self._channel.close()
        reason = str(error) if error is not None else describe_exit(code, task.request["cpu_seconds"] if task else None)
        self._listener.gone(self, None if self._hearing.is_ready else self._hearing.refusal or reason)
        if task is not None:
            task.fail(reason)
