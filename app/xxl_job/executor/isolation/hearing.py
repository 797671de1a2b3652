"""What the executor does with what a child says: lines to the logs, alerts to the robot, results to who waits."""

from collections.abc import Callable

from app.alerts.base import AlertSender
from app.xxl_job.executor.isolation import messages
from app.xxl_job.executor.isolation.frames import Frame
from app.xxl_job.executor.isolation.log_lines import LINE, write_line
from app.xxl_job.executor.isolation.printed_lines import PRINTED, print_line
from app.xxl_job.executor.isolation.task import Task
from app.xxl_job.executor.line_cutter import LineCutter


class Hearing:
    """Used by the worker's thread. Whatever comes during a run is part of it."""

    def __init__(self, alerts: AlertSender, on_ready: Callable[[], None], on_ended: Callable[[Task], None]) -> None:
        self._alerts = alerts
        self._on_ready = on_ready
        self._on_ended = on_ended
        self._output = LineCutter()
        self.task: Task | None = None
        self.is_ready = False
        self.refusal: str | None = None

    def take(self, frame: Frame) -> None:
        kind, task = frame["kind"], self.task
        if kind == LINE:
            self._in_run(lambda: write_line(frame))
        elif kind == PRINTED:
            self._in_run(lambda: print_line(frame))
        elif kind == messages.ALERT:
            self._in_run(lambda: self._alerts.raise_alert(messages.unpack_alert(frame)))
        elif kind == messages.READY:
            self.is_ready = True
            self._on_ready()
        elif kind == messages.REFUSED:
            self.refusal = frame["message"]
        elif task is not None:
            self._take_progress(task, frame)

    def take_output(self, data: bytes) -> None:
        """Bytes of the child's own descriptors; none: the line that has no end is one."""
        for line in self._output.feed(data) if data else self._output.flush():
            self._print(line)

    def _take_progress(self, task: Task, frame: Frame) -> None:
        if frame["kind"] == messages.BEGUN:
            task.begun = True
        elif frame["kind"] == messages.SETTLED:
            task.settled = frame
        elif frame["kind"] == messages.ENDED:
            self._on_ended(task)

    def _print(self, line: str) -> None:
        self._in_run(lambda: print_line({"stream": "stdout", "text": line}))

    def _in_run(self, work: Callable[[], None]) -> None:
        task = self.task
        if task is None:
            work()
        else:
            task.call(work)
