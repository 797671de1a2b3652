"""How a run ended, in the words of the console."""

import contextlib
import json
from dataclasses import dataclass, replace
from typing import Any, Final

from app.common.redaction import redact
from app.common.redaction import text_of as plain_text
from app.jobs.record import RunOutcome

SUCCESS_CODE: Final = 200
FAILURE_CODE: Final = 500
TIMEOUT_CODE: Final = 502
LONGEST_MESSAGE: Final = 15_000
"""What the console stores; more would only fill the ledger."""
_LONGEST_REDACTED: Final = 100_000


@dataclass(frozen=True)
class RunResult:
    """An outcome, fixed once."""

    outcome: RunOutcome
    code: int
    message: str
    exception: BaseException | None = None


_NOTHING: Final = RunResult(RunOutcome.SUCCESS, SUCCESS_CODE, "")


def succeeded(value: object) -> RunResult:
    """The handler returned; whatever it returned becomes text."""
    if value is None:
        return _NOTHING
    return RunResult(RunOutcome.SUCCESS, SUCCESS_CODE, text_of(value)[:LONGEST_MESSAGE])


def failed(error: BaseException) -> RunResult:
    """The handler raised. Its own TimeoutError or cancellation is a failure like any other."""
    kind, message = type(error).__name__, redact(plain_text(error)[:_LONGEST_REDACTED])
    text = f"{kind}: {message}" if message else kind
    return RunResult(RunOutcome.FAILED, FAILURE_CODE, text[:LONGEST_MESSAGE], error)


def timed_out() -> RunResult:
    return RunResult(RunOutcome.TIMEOUT, TIMEOUT_CODE, "job execute timeout")


def killed(reason: str) -> RunResult:
    return RunResult(RunOutcome.KILLED, FAILURE_CODE, reason)


def noted(result: RunResult, note: str) -> RunResult:
    """The result with something more to say to who reads its message; never at the cost of the note."""
    message = result.message[: LONGEST_MESSAGE - len(note) - 3]
    return replace(result, message=f"{message} ({note})" if message else f"({note})")


def text_of(value: Any) -> str:
    """Any value as text: JSON for objects and lists, nothing for None. Never raises."""
    if value is None:
        return ""
    if isinstance(value, dict | list | tuple):
        with contextlib.suppress(TypeError, ValueError, RecursionError):
            return json.dumps(value, ensure_ascii=False, default=str)
    return plain_text(value)
