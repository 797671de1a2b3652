"""What the Nacos source knows: the texts it holds, those that wait to be delivered, and what is wrong."""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from app.common.logger import log
from app.config.sources.base import Document, Documents, Trigger

KIND: Final = "nacos"
STALE_SECONDS: Final = 10.0
"""For how long after a change a read that gives the former text is not believed at once."""


class NacosState:
    """Compares by value: an event without a new text is none, and of several texts in a row the last counts."""

    def __init__(self, data_ids: tuple[str, ...]) -> None:
        self.data_ids = data_ids
        self.held: dict[str, str] = {}
        self.pushed: dict[str, str] = {}
        self.absent: set[str] = set()
        self.from_last_good = False
        self.read_at: datetime | None = None
        self.pushed_at: datetime | None = None
        self.problem: str | None = None
        self.listener_problem: str | None = None
        self._replaced: dict[str, tuple[str, float]] = {}
        self._waiting: dict[str, tuple[str, Trigger]] = {}
        self._is_confirmed = False
        self._arrived = asyncio.Event()

    def hold(self, texts: Mapping[str, str]) -> None:
        """These are the texts that the settings were given last."""
        for data_id, text in texts.items():
            former = self.held.get(data_id)
            if former is not None and former != text:
                self._replaced[data_id] = (former, time.monotonic())
        self.held.update(texts)

    def may_be_stale(self, texts: Mapping[str, str]) -> bool:
        """Whether this would bring a text back that was replaced just now."""
        recently = time.monotonic() - STALE_SECONDS
        return any(
            self._replaced.get(data_id, ("", 0.0))[1] > recently and self._replaced[data_id][0] == text
            for data_id, text in self.differing(texts).items()
        )

    def documents(self, texts: Mapping[str, str], *, from_last_good: bool = False) -> Documents:
        items = tuple(Document(data_id, texts[data_id]) for data_id in self.data_ids)
        return Documents(KIND, items, from_last_good=from_last_good)

    def note_push(self, data_id: str, text: str | None) -> None:
        """The listener's callback: only writes down."""
        self._note_presence(data_id, text)
        if text is None:
            return
        self.pushed[data_id] = text
        if text != self._newest(data_id):
            self.pushed_at = datetime.now(UTC)
            self.arrive(data_id, text, Trigger.PUSH)

    def note_read(self, texts: Mapping[str, str | None]) -> None:
        """Every document was asked for, and Nacos answered."""
        self.read_at = datetime.now(UTC)
        if self.problem is not None:
            log.info("Nacos answers again")
        self.problem = None
        for data_id, text in texts.items():
            self._note_presence(data_id, text)
        if self.from_last_good and not self.absent and not self.differing(texts):
            self.from_last_good = False
            log.info("settings have caught up with Nacos")
            if not self._replaced:  # the same text: the settings have to be told that it is no longer the last good one
                self._is_confirmed = True
                self._arrived.set()

    def note_failure(self, reason: str) -> None:
        """Reading failed; said once until it succeeds."""
        if self.problem is None:
            log.bind(reason=reason).warning("Nacos can't be read, the last settings keep serving")
        self.problem = reason

    def note_listener(self, reason: str | None) -> None:
        """The listener has ended, with the reason, or (None) listens; said once until it changes."""
        if reason is not None and self.listener_problem is None:
            log.bind(reason=reason).warning("Nacos listener is rebuilt")
        self.listener_problem = reason

    def differing(self, texts: Mapping[str, str | None]) -> dict[str, str]:
        """The texts that are neither held nor waiting. An absent one never differs."""
        return {data_id: text for data_id, text in texts.items() if text is not None and text != self._newest(data_id)}

    def arrive(self, data_id: str, text: str, trigger: Trigger) -> None:
        self._waiting[data_id] = (text, trigger)
        self._arrived.set()

    async def next_change(self) -> tuple[dict[str, str], Trigger]:
        """Waits for new texts, or for Nacos to confirm the last known good; all texts, and what brought them."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            waiting, self._waiting = self._waiting, {}
            texts = {**self.held, **{data_id: text for data_id, (text, _) in waiting.items()}}
            if texts != self.held or self._is_confirmed:
                self._is_confirmed = False
                pushed = any(trigger is Trigger.PUSH for _, trigger in waiting.values())
                return texts, Trigger.PUSH if pushed else Trigger.POLL

    def _newest(self, data_id: str) -> str | None:
        waiting = self._waiting.get(data_id)
        return waiting[0] if waiting else self.held.get(data_id)

    def _note_presence(self, data_id: str, text: str | None) -> None:
        if text is not None:
            self.absent.discard(data_id)
        elif data_id not in self.absent:
            self.absent.add(data_id)
            log.bind(data_id=data_id).warning("settings document is deleted or empty in Nacos, the last text stays")
