import io
import sys

import pytest

from app.alerts.base import AlertEvent
from app.alerts.memory import MemoryAlertSender
from app.common.const import AlarmLevel
from app.common.context import bound
from app.xxl_job.executor.isolation.hearing import Hearing
from app.xxl_job.executor.isolation.messages import pack_alert
from app.xxl_job.executor.isolation.task import Task


class Desk:
    def __init__(self) -> None:
        self.alerts = MemoryAlertSender()
        self.heard: list[object] = []
        self.hearing = Hearing(self.alerts, lambda: self.heard.append("ready"), self.heard.append)


def test_progress_of_a_run_is_kept_with_it() -> None:
    desk, task = Desk(), Task({}, live=False)
    desk.hearing.task = task
    desk.hearing.take({"kind": "begun"})
    desk.hearing.take({"kind": "settled", "text": "x", "failure": None})
    assert task.begun
    assert task.settled == {"kind": "settled", "text": "x", "failure": None}
    desk.hearing.take({"kind": "ended"})
    assert desk.heard == [task]


def test_a_child_gets_ready_or_says_why_not() -> None:
    desk = Desk()
    desk.hearing.take({"kind": "refused", "message": "no module"})
    assert (desk.hearing.is_ready, desk.hearing.refusal) == (False, "no module")
    desk.hearing.take({"kind": "ready"})
    assert (desk.hearing.is_ready, desk.heard) == (True, ["ready"])


def test_progress_of_no_run_and_unknown_frames_change_nothing() -> None:
    desk = Desk()
    for kind in ("begun", "settled", "ended", "of a later version"):
        desk.hearing.take({"kind": kind})
    assert desk.heard == []


def test_alerts_are_raised_here_with_their_trace() -> None:
    desk = Desk()
    with bound("xxl-app-1"):
        desk.hearing.task = Task({}, live=False)
    desk.hearing.take(pack_alert(AlertEvent("low", AlarmLevel.URGENT, "few")))
    assert [(event.name, event.trace_id) for event in desk.alerts.raised] == [("low", "xxl-app-1")]


def test_output_past_python_is_printed_by_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    desk, printed = Desk(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", printed)
    desk.hearing.take_output(b"one\ntw")
    assert printed.getvalue() == "one\n"
    desk.hearing.take_output(b"")
    assert printed.getvalue() == "one\ntw\n"
