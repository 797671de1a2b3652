"""What waits to be sent: bounded, worst level first, repeats of one matter folded into a count. Not thread-safe."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from app.alerts.base import AlertEvent
from app.common.const import AlarmLevel
from app.common.utils.wechat_msg_util import Payload

MatterKey = tuple[object, ...]


@dataclass
class Waiting:
    """One matter on its way: the first event of it, and how often it was raised."""

    event: AlertEvent
    exception: str
    raised_at: datetime
    key: MatterKey
    level: AlarmLevel
    count: int = 1
    not_before: float = 0.0
    attempts: int = 0
    begun: bool = False
    """Whether a part of the message has been accepted."""
    payloads: list[Payload] = field(default_factory=list)
    """What is left to send."""

    def begin(self) -> None:
        """From now on repeats are another matter: this message can't tell them any more."""
        if not self.begun:
            self.begun = True
            self.key = (*self.key, self.raised_at)


class Put(NamedTuple):
    """What became of a matter that was put: whether there is something new to send, and what had to give way."""

    is_news: bool
    dropped: Waiting | None = None


class AlertQueue:
    """Takes matters, gives the worst one that is due."""

    def __init__(self, size: int, fold_seconds: float) -> None:
        self._size = size
        self._fold_seconds = fold_seconds
        self._waiting: dict[AlarmLevel, dict[MatterKey, Waiting]] = {level: {} for level in sorted(AlarmLevel)}
        self._told: dict[MatterKey, tuple[float, AlarmLevel]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    @property
    def events(self) -> int:
        """How many raised events wait, the folded ones too."""
        return sum(matter.count for matter in self._all())

    def put(self, new: Waiting, now: float) -> Put:
        """Takes a matter, or folds it into the same one that waits.

        What was told lately at this level or a worse one waits until its time is over, so that repeats can gather.
        """
        self._forget_told(now)
        known = self._find(new.key)
        if known is not None:
            known.count += new.count
            return Put(self._raise_level(known, new.level))
        new.not_before = self._due_at(new)
        self._waiting[new.level][new.key] = new
        return Put(is_news=True, dropped=self._drop_one() if len(self) > self._size else None)

    def put_back(self, matter: Waiting) -> None:
        """Takes again what could not be sent; repeats that came meanwhile are folded into it."""
        known = self._find(matter.key)
        if known is not None:
            del self._waiting[known.level][known.key]
            matter.count += known.count
            matter.level = max(matter.level, known.level)
        matter.not_before = 0.0
        same_level = self._waiting[matter.level]
        self._waiting[matter.level] = {matter.key: matter, **same_level}

    def take(self, now: float, *, all_due: bool = False) -> Waiting | None:
        """The oldest due matter of the worst level; it counts as told from now on."""
        for level in sorted(AlarmLevel, reverse=True):
            for matter in self._waiting[level].values():
                if all_due or matter.not_before <= now:
                    del self._waiting[level][matter.key]
                    self._remember_told(matter, now)
                    return matter
        return None

    def forget(self, key: MatterKey) -> None:
        """The matter could not be told after all: its next event is news again."""
        self._told.pop(key, None)

    def next_due(self) -> float | None:
        """When the next matter is due; None when nothing waits."""
        return min((matter.not_before for matter in self._all()), default=None)

    def _all(self) -> Iterator[Waiting]:
        return (matter for matters in self._waiting.values() for matter in matters.values())

    def _find(self, key: MatterKey) -> Waiting | None:
        for matters in self._waiting.values():
            if key in matters:
                return matters[key]
        return None

    def _due_at(self, matter: Waiting) -> float:
        told_at, told_level = self._told.get(matter.key, (0.0, matter.level))
        is_repeat = matter.key in self._told and matter.level <= told_level
        return told_at + self._fold_seconds if is_repeat else 0.0

    def _raise_level(self, matter: Waiting, level: AlarmLevel) -> bool:
        if level <= matter.level:
            return False
        del self._waiting[matter.level][matter.key]
        matter.level = level
        matter.not_before = min(matter.not_before, self._due_at(matter))
        self._waiting[level][matter.key] = matter
        return True

    def _remember_told(self, matter: Waiting, now: float) -> None:
        self._told.pop(matter.key, None)  # so that the oldest stays in front
        self._told[matter.key] = (now, matter.level)
        if len(self._told) > self._size:
            del self._told[next(iter(self._told))]

    def _forget_told(self, now: float) -> None:
        while self._told:
            key = next(iter(self._told))
            if self._told[key][0] + self._fold_seconds > now:
                return
            del self._told[key]

    def _drop_one(self) -> Waiting:
        matters = next(matters for matters in self._waiting.values() if matters)
        return matters.pop(next(iter(matters)))
