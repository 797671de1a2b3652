"""`GET /runs`: a page of the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar

from app.common.errors import ValidationError
from app.jobs.ledger.base import RunLedger, RunQuery
from app.jobs.ledger.views import run_as_json
from app.jobs.record import RunOutcome, RunState

MOST_RUNS: Final = 1000
_DIGITS: Final = 19
_KNOWN: Final = frozenset({"limit", "before", "handler", "outcome", "state", "job_id", "log_id"})

WordT = TypeVar("WordT", bound=StrEnum)


@dataclass(frozen=True)
class RunsPage:
    """Reads the disk: to be called in a thread."""

    ledger: RunLedger

    def read(self, fields: Mapping[str, str]) -> list[dict[str, Any]]:
        """Raises ValidationError naming the field."""
        return [run_as_json(record) for record in self.ledger.list_runs(parse_query(fields))]


def parse_query(fields: Mapping[str, str]) -> RunQuery:
    """Raises ValidationError naming the field. `outcome` and `state` may be comma lists."""
    if unknown := sorted(set(fields) - _KNOWN):
        raise ValidationError(f"{unknown[0][:40]} is no filter: there are {', '.join(sorted(_KNOWN))}")
    return RunQuery(
        limit=min(_number(fields, "limit") or RunQuery.limit, MOST_RUNS),
        before=_number(fields, "before"),
        handler=fields.get("handler") or None,
        job_id=_number(fields, "job_id"),
        log_id=_number(fields, "log_id"),
        states=_words(fields, "state", RunState),
        outcomes=_words(fields, "outcome", RunOutcome),
    )


def _number(fields: Mapping[str, str], name: str) -> int | None:
    value = fields.get(name, "")
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < _DIGITS):
        raise ValidationError(f"{name} must be a number")
    return int(value)


def _words(fields: Mapping[str, str], name: str, kind: type[WordT]) -> frozenset[WordT]:
    wanted = [word for word in fields.get(name, "").split(",") if word]
    try:
        return frozenset(kind(word) for word in wanted)
    except ValueError:
        raise ValidationError(f"{name} must be one of {', '.join(kind)}") from None
