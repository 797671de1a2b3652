"""What the console sends, and what it is answered, in every dialect from 2.2 to 3.5. Pure functions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple

from app.common.errors import ValidationError

OK: Final = 200
FAIL: Final = 500
MAX_ID: Final = 2**63 - 1
LONGEST_TIMEOUT_SECONDS: Final = 10 * 365 * 24 * 3600
BEAN: Final = "BEAN"
SCRIPTS: Final = frozenset({"GLUE_SHELL", "GLUE_PYTHON", "GLUE_NODEJS", "GLUE_PHP", "GLUE_POWERSHELL"})
_INTEGER_DIGITS: Final = 19

BUSY: Final = "job thread is running or has trigger queue."
DISCARDED: Final = "block strategy effect：Discard Later"
COVERED: Final = "block strategy effect：Cover Early"
KILLED: Final = "scheduling center kill job."
KILLED_RUNNING: Final = " [job running, killed]"
KILLED_QUEUED: Final = " [job not executed, in the job queue, killed.]"
SHUTTING_DOWN: Final = "executor is shutting down"
SHUTDOWN: Final = "executor shutdown"


class BlockStrategy(StrEnum):
    """What happens to a run while the same job is running."""

    SERIAL = "SERIAL_EXECUTION"
    DISCARD_LATER = "DISCARD_LATER"
    COVER_EARLY = "COVER_EARLY"


_STRATEGIES: Final = {str(strategy): strategy for strategy in BlockStrategy}


@dataclass(frozen=True)
class Answer:
    """Always sent with HTTP 200; the code says how it went."""

    code: int = OK
    msg: str | None = None
    payload: Mapping[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """The payload under both names: `content` is read up to 3.2, `data` from 3.3 on."""
        body: dict[str, Any] = {"code": self.code, "msg": self.msg}
        return body if self.payload is None else {**body, "content": self.payload, "data": self.payload}


class Trigger(NamedTuple):
    """A validated /run or /trigger request."""

    job_id: int
    log_id: int
    log_date_time: int
    handler: str
    param: str
    strategy: BlockStrategy
    timeout_seconds: int | None
    shard_index: int
    shard_total: int
    raw: Mapping[str, Any]
    """The fields as they came, for handlers that read the original object."""
    glue_type: str = BEAN
    """A kind of script stands for the handler's name; its source is `raw["glueSource"]`."""


@dataclass(frozen=True)
class LogQuery:
    """A validated /log request."""

    log_id: int
    log_date_time: int
    from_line: int


def parse_body(body: bytes | bytearray) -> dict[str, Any]:
    """The JSON object of a request. Raises ValidationError with a reason that repeats nothing of the content."""
    try:
        parsed = json.loads(body)
    except RecursionError:
        raise ValidationError("the request is nested too deeply") from None
    except ValueError:  # bad JSON, bad UTF-8, a number of thousands of digits
        raise ValidationError("the request is not valid JSON") from None
    if not isinstance(parsed, dict):
        raise ValidationError("the request is not a JSON object")
    return parsed


def parse_trigger(fields: Mapping[str, Any]) -> Trigger:
    """Raises ValidationError naming the field."""
    glue_type = _text(fields, "glueType") or BEAN
    if glue_type != BEAN and glue_type not in SCRIPTS:
        raise ValidationError(f"glueType[{glue_type[:40]}] is not supported by this executor")
    _text(fields, "glueSource")
    timeout = _integer(fields, "executorTimeout", default=0, low=-MAX_ID)
    # ratchjob sends a total of 0 for runs that are not sharded
    total = _integer(fields, "broadcastTotal", default=1) or 1
    index = _integer(fields, "broadcastIndex", default=0)
    if index >= total:
        raise ValidationError("broadcastIndex must be below broadcastTotal")
    return Trigger(
        job_id=_integer(fields, "jobId"),
        log_id=_integer(fields, "logId"),
        log_date_time=_integer(fields, "logDateTime", default=0),
        handler=_text(fields, "executorHandler") if glue_type == BEAN else glue_type,
        param=_text(fields, "executorParams"),
        # Java's executor takes everything else as serial, ratchjob's OTHER too
        strategy=_STRATEGIES.get(_text(fields, "executorBlockStrategy"), BlockStrategy.SERIAL),
        timeout_seconds=min(timeout, LONGEST_TIMEOUT_SECONDS) if timeout > 0 else None,
        shard_index=index,
        shard_total=total,
        raw=fields,
        glue_type=glue_type,
    )


def parse_job_id(fields: Mapping[str, Any]) -> int:
    """The job id of /kill and /idleBeat. Raises ValidationError."""
    return _integer(fields, "jobId")


def parse_log_query(fields: Mapping[str, Any]) -> LogQuery:
    """Raises ValidationError naming the field. Lines count from 1; lower numbers mean the first.

    The time is `logDateTim` up to 3.4, `logDateTime` from 3.5 on.
    """
    name = "logDateTime" if fields.get("logDateTime") is not None else "logDateTim"
    return LogQuery(
        log_id=_integer(fields, "logId"),
        log_date_time=_integer(fields, name, default=0),
        from_line=max(1, _integer(fields, "fromLineNum", default=1, low=-MAX_ID)),
    )


def _integer(fields: Mapping[str, Any], name: str, *, default: int | None = None, low: int = 0) -> int:
    value = fields.get(name)
    if type(value) is int and low <= value <= MAX_ID:
        return value
    if value is None:
        if default is None:
            raise ValidationError(f"{name} is missing")
        return default
    if isinstance(value, str):  # as Java's gson does
        digits = value.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= _INTEGER_DIGITS):
            raise ValidationError(f"{name} must be an integer")
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValidationError(f"{name} must be an integer")
    if not low <= value <= MAX_ID:
        raise ValidationError(f"{name} is out of range")
    return value


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    raise ValidationError(f"{name} must be a string")
