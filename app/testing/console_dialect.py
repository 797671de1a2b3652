"""How XXL-JOB's consoles differ by version: what each takes from an executor, answers, and asks."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

WRONG_TOKEN: Final = "The access token is wrong."  # noqa: S105 - an answer's text
EMPTY_CALLER: Final = "invalid request, accessToken or appname is empty."
INVALID_CALLER: Final = "invalid request, accessToken or appname invalid."


class ConsoleDialect(StrEnum):
    """The first version of each; the next one's changes end it."""

    V2_2 = "2.2"
    """Callbacks carry `executeResult`."""
    V2_3 = "2.3"
    """Callbacks carry `handleCode` and `handleMsg`."""
    V3_3 = "3.3"
    """A log page is read under `data`, no more under `content`."""
    V3_5 = "3.5"
    """`/trigger`, two headers both ways, `callbackList`, `logDateTime`."""

    @property
    def is_3_5(self) -> bool:
        return self is ConsoleDialect.V3_5

    @property
    def trigger_path(self) -> str:
        return "/trigger" if self.is_3_5 else "/run"

    @property
    def time_field(self) -> str:
        """The name of a run's time, in callbacks and log queries."""
        return "logDateTime" if self.is_3_5 else "logDateTim"

    @property
    def page_field(self) -> str:
        """Where the console looks for a log page."""
        return "content" if self in {ConsoleDialect.V2_2, ConsoleDialect.V2_3} else "data"

    def accepted(self) -> dict[str, Any]:
        if self.page_field == "content":
            return {"code": 200, "msg": None, "content": None}
        return {"code": 200, "data": None, "msg": "Success", "success": True}

    def refused(self, reason: str) -> dict[str, Any]:
        if self.page_field == "content":
            return {"code": 500, "msg": reason, "content": None}
        return {"code": 500, "data": None, "msg": reason, "success": False}


@dataclass(frozen=True)
class Caller:
    """Who asks, by the headers."""

    token: str
    app_name: str


def refusal_of_caller(dialect: ConsoleDialect, caller: Caller, expected: Caller) -> str | None:
    """Why that caller isn't heard, or None. An empty `expected.app_name` stands for any."""
    if not dialect.is_3_5:
        return WRONG_TOKEN if expected.token and caller.token != expected.token else None
    if not caller.token.strip() or not caller.app_name.strip():
        return EMPTY_CALLER
    known = expected.app_name in {"", caller.app_name}
    return None if known and caller.token == expected.token else INVALID_CALLER


def read_callbacks(dialect: ConsoleDialect, body: Any) -> list[dict[str, Any]] | str:
    """The items as they were sent, or why the console can't read them. Fields it doesn't know are ignored."""
    wanted = "BEGIN_OBJECT" if dialect.is_3_5 else "BEGIN_ARRAY"
    if not isinstance(body, dict if dialect.is_3_5 else list):
        found = "BEGIN_OBJECT" if isinstance(body, dict) else "BEGIN_ARRAY"
        return f"openapi invoke error: java.lang.IllegalStateException: Expected {wanted} but was {found}"
    items: list[dict[str, Any]] = body["callbackList"] if isinstance(body, dict) else body
    for item in items:
        _, message = outcome_of(dialect, item)
        if isinstance(message, dict | list):
            kind = "BEGIN_OBJECT" if isinstance(message, dict) else "BEGIN_ARRAY"
            return f"openapi invoke error: java.lang.IllegalStateException: Expected a string but was {kind}"
    return items


def outcome_of(dialect: ConsoleDialect, item: dict[str, Any]) -> tuple[int, Any]:
    """Code and message as the console of that version reads them."""
    if dialect is ConsoleDialect.V2_2:
        result = item["executeResult"]
        return int(result["code"]), result.get("msg")
    return int(item.get("handleCode", 0)), item.get("handleMsg")
