"""What changed, when, from where, and what came of it: the last applies, values masked."""

import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from app.config.compose import Composed
from app.config.document import Path, leaves
from app.config.masking import Masks
from app.config.settings import Section
from app.config.sources.base import Documents, Trigger

HISTORY_LENGTH: Final = 50
MOST_CHANGES: Final = 500
_ABSENT: Final = object()
_SHOWN_LENGTH: Final = 200


class Outcome(StrEnum):
    APPLIED = "applied"
    UNCHANGED = "unchanged"
    PENDING = "pending"
    REFUSED = "refused"


@dataclass(frozen=True)
class Change:
    """One path's old and new value as text fit to show; None where it was or is absent."""

    path: str
    old: str | None
    new: str | None

    def __str__(self) -> str:
        return self.path if self.old is None and self.new is None else f"{self.path}: {self.old} → {self.new}"


@dataclass(frozen=True)
class ApplyResult:
    """What an apply came to."""

    outcome: Outcome
    revision: int
    md5: str
    trigger: Trigger
    source: str
    at: datetime
    duration_seconds: float
    changes: tuple[Change, ...] = ()
    resources: tuple[str, ...] = ()
    needs_restart: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    from_last_good: bool = False

    @property
    def changed_paths(self) -> tuple[str, ...]:
        return tuple(change.path for change in self.changes)

    def is_repetition_of(self, former: "ApplyResult") -> bool:
        """Whether this is a retry that ended as the one before it."""
        is_retried = self.trigger is former.trigger is Trigger.RETRY
        return is_retried and (self.outcome, self.md5) == (former.outcome, former.md5)

    def as_view(self) -> dict[str, Any]:
        """The result as `/nacos/history` and `/nacos/refresh` show it."""
        view = asdict(self) | {"at": self.at.isoformat(), "duration_seconds": round(self.duration_seconds, 4)}
        return view | {"changes": [str(change) for change in self.changes]}


class Attempt:
    """One apply under way: knows what it is about, and when it began."""

    def __init__(self, documents: Documents, trigger: Trigger) -> None:
        self.documents = documents
        self._trigger = trigger
        self._started = time.perf_counter()

    def result(
        self,
        outcome: Outcome,
        revision: int,
        *,
        changes: tuple[Change, ...] = (),
        resources: tuple[str, ...] = (),
        needs_restart: tuple[str, ...] = (),
        reasons: tuple[str, ...] = (),
    ) -> ApplyResult:
        return ApplyResult(
            outcome=outcome,
            revision=revision,
            md5=self.documents.md5,
            trigger=self._trigger,
            source=self.documents.source,
            at=datetime.now(UTC),
            duration_seconds=time.perf_counter() - self._started,
            changes=changes,
            resources=resources,
            needs_restart=needs_restart,
            reasons=reasons,
            from_last_good=self.documents.from_last_good,
        )


class History:
    """The last applies, newest first. Applies that changed nothing leave no entry.

    Of the retries of one pending text only the last is kept: a night's outage shall not push everything else out.
    """

    def __init__(self, length: int = HISTORY_LENGTH) -> None:
        self._entries: deque[ApplyResult] = deque(maxlen=length)

    def add(self, result: ApplyResult) -> None:
        if self._entries and result.is_repetition_of(self._entries[0]):
            self._entries[0] = result
        elif result.outcome is not Outcome.UNCHANGED:
            self._entries.appendleft(result)

    def __iter__(self) -> Iterator[ApplyResult]:
        return iter(tuple(self._entries))


def diff(old: Composed, new: Composed) -> tuple[Change, ...]:
    """The leaves that differ, by path; of very many, the first ones and how many more."""
    before, after = dict(leaves(old.settings.document)), dict(leaves(new.settings.document))
    masks = old.masks | new.masks
    paths = sorted(path for path in before.keys() | after.keys() if not _is_same(before, after, path))
    changes = [
        Change(".".join(path), _shown(before, path, masks), _shown(after, path, masks)) for path in paths[:MOST_CHANGES]
    ]
    if len(paths) > MOST_CHANGES:
        changes.append(Change(f"… {len(paths) - MOST_CHANGES} more", None, None))
    return tuple(changes)


def _is_same(before: Mapping[Path, Any], after: Mapping[Path, Any], path: Path) -> bool:
    left, right = before.get(path, _ABSENT), after.get(path, _ABSENT)
    return left == right and type(left) is type(right)


def _shown(leaf_of: Mapping[Path, Any], path: Path, masks: Masks) -> str | None:
    if path not in leaf_of:
        return None
    text = str(masks.show(leaf_of[path], path))
    return text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 1] + "…"


def fields_to_restart_for(old: Composed, new: Composed, models: Mapping[str, type[Section]]) -> tuple[str, ...]:
    """The changed fields that are read only at start."""
    return tuple(
        f"{section}.{name}"
        for section, model in models.items()
        for name, field in model.model_fields.items()
        if isinstance(field.json_schema_extra, Mapping)
        and field.json_schema_extra.get("needs_restart")
        and _field(old, section, name) != _field(new, section, name)
    )


def _field(composed: Composed, section: str, name: str) -> Any:
    return composed.settings.document[section].get(name)
