"""Sends alerts to a WeCom group robot.

A thread of its own sends, so that a job which blocks its event loop can't silence the alert about it.
"""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from app.alerts.base import AlertEvent
from app.alerts.budget import Pace
from app.alerts.queue import AlertQueue, Waiting
from app.alerts.rendering import render
from app.alerts.robots import Robot, RobotBook
from app.alerts.wecom_client import Answer, Verdict, WecomClient
from app.common.context import NO_TRACE, bound, get_trace_id, start_apart
from app.common.errors import Unavailable
from app.common.logger import log
from app.common.supervision import failure_of_call
from app.common.utils.wechat_msg_util import find_raise_site, split_payload, summarise_exception
from app.config.settings import WechatSettings

_JOIN_MARGIN_SECONDS: Final = 0.2


@dataclass(frozen=True)
class AlertStats:
    """What became of the events: `raised` is the sum of all others, always."""

    raised: int
    sent: int
    folded: int
    """Told by another event's message, as a part of its count."""
    dropped: int
    """Gave way in a full queue, or still waited when the sender had to close."""
    failed: int
    unrouted: int
    """Only logged: no robot is usable."""
    waiting: int


class WecomAlertSender:
    """The alert port over WeCom robots. `wechat` gives the current settings, read for every message."""

    def __init__(
        self,
        wechat: Callable[[], WechatSettings],
        environment: str,
        host: str,
        *,
        pace: Pace | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wechat = wechat
        self._environment = environment
        self._host = host
        self._pace = pace or Pace()
        self._clock = clock
        self._robots = RobotBook(self._pace, clock)
        self._queue = AlertQueue(self._pace.queue_size, self._pace.fold_seconds)
        self._wake = threading.Condition()
        self._closing = threading.Event()
        self._close_by = 0.0
        self._counts: Counter[str] = Counter()
        self._in_flight = 0
        self._reported_drops = 0
        self._next_report = 0.0
        self._thread: threading.Thread | None = None

    def raise_alert(self, event: AlertEvent) -> None:
        """Takes the event and returns at once; never raises. The trace id is taken from the caller's context."""
        failure = failure_of_call(lambda: self._put(_build_waiting(event)))
        if failure is not None:
            log.bind(error=type(failure).__name__).error("alert not taken")

    async def close(self) -> None:
        """Delivers what is waiting, within a few seconds, and stops."""
        with self._wake:
            self._close_by = self._clock() + self._pace.close_seconds
            self._closing.set()
            self._wake.notify()
            thread = self._thread
        if thread is not None:
            await asyncio.to_thread(thread.join, self._pace.close_seconds + _JOIN_MARGIN_SECONDS)

    def stats(self) -> AlertStats:
        """The counts so far."""
        with self._wake:
            outcomes = {name: self._counts[name] for name in ("sent", "folded", "dropped", "failed", "unrouted")}
            return AlertStats(self._counts["raised"], **outcomes, waiting=self._queue.events + self._in_flight)

    def _put(self, matter: Waiting) -> None:
        with self._wake:
            self._counts["raised"] += 1
            if self._closing.is_set():
                self._counts["dropped"] += 1
                return
            put = self._queue.put(matter, self._clock())
            if put.dropped is not None:
                self._counts["dropped"] += put.dropped.count
            if put.is_news:
                self._wake.notify()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)
                start_apart(self._thread)

    def _run(self) -> None:
        client = WecomClient(self._pace.timeout_seconds)
        try:
            while self._wait_for_work():
                self._report_drops()
                self._step(client)
        finally:
            client.close()
            self._report_drops()

    def _wait_for_work(self) -> bool:
        """Waits until a matter is due. False: closed, and nothing is left that could still be delivered."""
        with self._wake:
            while True:
                due, now = self._queue.next_due(), self._clock()
                if self._closing.is_set():
                    return due is not None and (now < self._close_by or self._drop_all())
                if due is not None and due <= now:
                    return True
                self._wake.wait(None if due is None else due - now)

    def _step(self, client: WecomClient) -> None:
        """Sends one message, or waits for what it needs."""
        try:
            robot = self._robots.choose(self._wechat())
        except Unavailable:
            if not self._closing.is_set():
                self._closing.wait(self._pace.backoff_seconds)
                return
            robot = None
        pause = robot.budget.wait_seconds() if robot else 0.0
        if pause > 0:
            self._pause(pause)
            return
        with self._wake:
            matter = self._queue.take(self._clock(), all_due=self._closing.is_set())
            self._in_flight = matter.count if matter else 0
        if matter is None:
            return
        with bound(matter.event.trace_id or NO_TRACE):
            self._deliver(client, robot, matter)

    def _pause(self, seconds: float) -> None:
        if not self._closing.is_set():
            self._closing.wait(seconds)
        elif self._clock() + seconds < self._close_by:
            time.sleep(seconds)
        else:
            with self._wake:
                self._drop_all()

    def _deliver(self, client: WecomClient, robot: Robot | None, matter: Waiting) -> None:
        if robot is None:
            log.bind(alert=matter.event.name, level=matter.level.name, summary=matter.event.summary).warning("alert")
            self._settle(matter, "unrouted")
            return
        if not matter.payloads:
            failure = failure_of_call(lambda: self._render(matter, robot))
            if failure is not None:
                self._give_up(matter, robot, f"{type(failure).__name__} at {find_raise_site(failure)}")
                return
        self._conclude(robot, matter, client.send(robot.base_url, robot.key, matter.payloads[0]))

    def _render(self, matter: Waiting, robot: Robot) -> None:
        matter.payloads = render(matter, robot.template, self._environment, self._host)

    def _give_up(self, matter: Waiting, robot: Robot, reason: str) -> None:
        log.bind(robot=robot.name, alert=matter.event.name, reason=reason).error("alert failed")
        self._settle(matter, "failed")

    def _conclude(self, robot: Robot, matter: Waiting, answer: Answer) -> None:
        match answer.verdict:
            case Verdict.ACCEPTED:
                robot.budget.answered()
                matter.payloads.pop(0)
                matter.begin()
            case Verdict.TOO_LONG:
                robot.budget.answered()
                parts = split_payload(matter.payloads[0])
                matter.payloads[:1] = parts
                matter.attempts += self._pace.attempts if len(parts) == 1 else 0
            case Verdict.TOO_MANY:
                robot.budget.refused()
                log.bind(robot=robot.name, reason=answer.reason).warning("alert robot holds back")
            case Verdict.BAD_KEY:
                self._robots.refuse(robot)
            case Verdict.RETRY:
                robot.budget.failed()
                matter.attempts += 1
            case Verdict.REFUSED:
                robot.budget.answered()
                matter.attempts = self._pace.attempts
        if matter.attempts >= self._pace.attempts:
            self._give_up(matter, robot, answer.reason)
        elif matter.payloads:
            self._put_back(matter, answer.verdict)
        else:
            self._settle(matter, "sent")

    def _put_back(self, matter: Waiting, verdict: Verdict) -> None:
        if not matter.begun and verdict is not Verdict.TOO_LONG:
            matter.payloads = []  # built again when its turn comes, with the count of then
        with self._wake:
            self._queue.put_back(matter)
            self._in_flight = 0

    def _settle(self, matter: Waiting, outcome: str) -> None:
        with self._wake:
            self._in_flight = 0
            if outcome == "failed":
                self._queue.forget(matter.key)
            self._counts[outcome] += 1 if outcome == "sent" else matter.count
            self._counts["folded"] += matter.count - 1 if outcome == "sent" else 0

    def _drop_all(self) -> bool:
        """Closing took too long: what is left is dropped. Always False, there is no more work."""
        while (matter := self._queue.take(self._clock(), all_due=True)) is not None:
            self._counts["dropped"] += matter.count
        return False

    def _report_drops(self) -> None:
        """In the thread: a log line would be too slow for who raises an alert."""
        dropped, now = self._counts["dropped"], self._clock()
        if dropped > self._reported_drops and (now >= self._next_report or self._closing.is_set()):
            log.bind(dropped=dropped - self._reported_drops).warning("alerts dropped")
            self._reported_drops = dropped
            self._next_report = now + self._pace.fold_seconds


def _build_waiting(event: AlertEvent) -> Waiting:
    """What is kept of an event: the exception as text, since its traceback holds on to every frame's variables."""
    error, exception, site = event.exception, "", ""
    if error is not None:
        site = find_raise_site(error)
        exception = summarise_exception(error, site)
    matter = event.dedup_key or (event.name, event.level, event.summary, type(error), site)
    if error is not None or event.trace_id is None:
        event = replace(event, exception=None, trace_id=event.trace_id or get_trace_id())
    return Waiting(event, exception, datetime.now(UTC), (matter, event.resolves), event.level)
