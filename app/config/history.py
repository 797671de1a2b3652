"""What changed, when, from where, and what came of it: the last applies, values masked."""

import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from app.common.const import MASK
from app.common.redaction import is_secret_key
from app.config.compose import Composed
from app.config.document import Path, leaves
from app.config.settings import Section
from app.config.sources.base import Documents, Trigger

HISTORY_LENGTH: Final = 50
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
        return f"{self.path}: {self.old} → {self.new}"


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
    """The last applies, newest first. Applies that changed nothing leave no entry."""

    def __init__(self, length: int = HISTORY_LENGTH) -> None:
        self._entries: deque[ApplyResult] = deque(maxlen=length)

    def add(self, result: ApplyResult) -> None:
        if result.outcome is not Outcome.UNCHANGED:
            self._entries.appendleft(result)

    def __iter__(self) -> Iterator[ApplyResult]:
        return iter(tuple(self._entries))


def is_masked(path: Path, composed: Composed) -> bool:
    """Whether the value at `path` is never shown: a secret's key on the way to it, or a substituted value in it."""
    if any(is_secret_key(key) for key in path):
        return True
    return any(at[: len(path)] == path or path[: len(at)] == at for at in composed.masked)


def diff(old: Composed, new: Composed) -> tuple[Change, ...]:
    """Every leaf that differs, by path."""
    before, after = dict(leaves(old.settings.document)), dict(leaves(new.settings.document))
    changes = []
    for path in sorted(before.keys() | after.keys()):
        left, right = before.get(path, _ABSENT), after.get(path, _ABSENT)
        if left != right or type(left) is not type(right):
            masked = is_masked(path, old) or is_masked(path, new)
            changes.append(Change(".".join(path), _shown(left, masked), _shown(right, masked)))
    return tuple(changes)


def _shown(value: object, masked: bool) -> str | None:
    if value is _ABSENT:
        return None
    text = MASK if masked else str(thaw(value))
    return text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 1] + "…"


def thaw(value: Any) -> Any:
    """A frozen tree as plain dicts and lists."""
    if isinstance(value, Mapping):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [thaw(item) for item in value]
    return value


def paths_read_at_start(changes: tuple[Change, ...], models: Mapping[str, type[Section]]) -> tuple[str, ...]:
    """Those changed paths whose field is read only at start."""
    return tuple(change.path for change in changes if _is_read_at_start(change.path.split("."), models))


def _is_read_at_start(path: list[str], models: Mapping[str, type[Section]]) -> bool:
    model = models.get(path[0])
    field = model.model_fields.get(path[1]) if model and len(path) > 1 else None
    extra = field.json_schema_extra if field else None
    return isinstance(extra, Mapping) and bool(extra.get("needs_restart"))
