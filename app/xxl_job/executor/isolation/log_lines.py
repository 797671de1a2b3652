"""Log lines on their way from a child to the executor: structured, so that they are written as if made here."""

from datetime import datetime
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, cast

from app.common.context import NO_TRACE
from app.common.log_format import MAX_TEXT_LENGTH, shorten
from app.common.log_options import LEVEL_NUMBERS
from app.common.logger import log
from app.common.redaction import clean_value, redact
from app.xxl_job.executor.isolation.failures import RemoteTraceback
from app.xxl_job.executor.isolation.frames import Frame

if TYPE_CHECKING:
    from loguru import Message, Record

LINE: Final = "line"


def pack_line(message: "Message") -> dict[str, Any]:
    """A line as a frame. `message` itself is the traceback that the sink's formatter made."""
    record = message.record
    extra = dict(record["extra"])
    trace_id = extra.pop("trace_id", NO_TRACE)
    return {
        "kind": LINE,
        "time": record["time"].isoformat(),
        "level": record["level"].name,
        "number": record["level"].no,
        "place": (record["name"], record["module"], record["function"], record["line"]),
        "thread": record["thread"].name,
        "message": _within_limits(record["message"]),
        "extra": {key: clean_value(value, key) for key, value in extra.items()},
        "trace_id": None if trace_id == NO_TRACE else trace_id,
        "exception": _within_limits(str(message)),
    }


def _within_limits(text: str) -> str:
    """Redacted before it is cut: half a secret is one too. Short lines are redacted by who writes them."""
    return text if len(text) <= MAX_TEXT_LENGTH else shorten(redact(text))


def write_line(line: Frame) -> None:
    """Logs the line as it was logged in the child: its time, level, place and thread."""
    fields = dict(line["extra"])
    if line["trace_id"] is not None:
        fields["trace_id"] = line["trace_id"]
    exception = RemoteTraceback(line["exception"]) if line["exception"] else None
    level = line["level"] if line["level"] in LEVEL_NUMBERS else line["number"]
    target = log.patch(partial(_take_origin, line)).opt(exception=exception)
    target.bind(**fields).log(level, line["message"])


def _take_origin(line: Frame, record: "Record") -> None:
    target = cast("dict[str, Any]", record)
    target["time"] = datetime.fromisoformat(line["time"])
    target["name"], target["module"], target["function"], target["line"] = line["place"]
    target["thread"] = SimpleNamespace(name=line["thread"], id=0)
