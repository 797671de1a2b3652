"""Log lines: text and JSON. Whatever a message holds, it stays on its line, and secrets are masked."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from app.common.context import NO_TRACE
from app.common.redaction import clean_value, redact

if TYPE_CHECKING:
    from loguru import Record

MAX_TEXT_LENGTH: Final = 100_000
_SHORT_ESCAPES: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_PLAIN_VALUE: Final = re.compile(r"[^\s\"'=]+")
_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Identity:
    """Which process a JSON line comes from."""

    service: str
    env: str
    instance: str


def escape(text: str) -> str:
    """`text` without what could break a line or deceive a terminal: control, direction and separator characters."""
    return text if text.isprintable() else _UNSAFE.sub(_escape_match, text)


def _escape_match(match: re.Match[str]) -> str:
    character = match[0]
    return _SHORT_ESCAPES.get(character) or f"\\u{ord(character):04x}"


def encode_json(document: object) -> str:
    """Compact JSON on one line, readable in any language, ASCII where a reader might split or be deceived."""
    return escape(_encode(document))


def shorten(text: str) -> str:
    """`text`, cut when it is longer than a log line may be."""
    if len(text) <= MAX_TEXT_LENGTH:
        return text
    return f"{text[:MAX_TEXT_LENGTH]}… ({len(text) - MAX_TEXT_LENGTH} characters cut)"


def shown(text: str) -> str:
    """Redacted before it is cut: half a secret is one too."""
    return shorten(redact(text))


def _within_limits(clean: Any) -> Any:
    """The value, or the beginning of its JSON when that is longer than a log line may be."""
    if isinstance(clean, str):
        return shorten(clean)
    if not isinstance(clean, (dict, list)):
        return clean
    encoded = _encode(clean)
    return clean if len(encoded) <= MAX_TEXT_LENGTH else shorten(encoded)


def render_text(record: "Record", exception: str) -> str:
    """`[time] [level] [trace] [thread] [module:function:line] message key=value`, then the indented traceback."""
    extra = record["extra"]
    time = record["time"].isoformat(" ", "milliseconds")
    place = f"{record['name']}:{record['function']}:{record['line']}"
    trace = extra.get("trace_id", NO_TRACE)
    head = escape(f"[{time}] [{record['level'].name}] [{trace}] [{record['thread'].name}] [{place}] ")
    body = shown(record["message"])
    if len(extra) > 1 or (extra and "trace_id" not in extra):
        body += render_fields(extra)
    line = f"{head}{escape(body)}\n"
    return line + _indent(exception) if exception else line


def render_fields(fields: dict[str, Any]) -> str:
    """` key=value` for each; a value with a space, a quote or an equals sign is quoted."""
    parts: list[str] = []
    for key, value in fields.items():
        if key != "trace_id":
            clean = clean_value(value, key)
            text = shorten(clean if isinstance(clean, str) else _encode(clean))
            if isinstance(clean, str) and not _PLAIN_VALUE.fullmatch(text):
                text = _encode(text)
            parts.append(f" {key}={text}")
    return "".join(parts)


def _indent(exception: str) -> str:
    lines = shown(exception).splitlines()
    return "".join(f"    {escape(line)}\n" for line in lines if line)


def render_json(record: "Record", exception: str, identity: Identity) -> str:
    """One JSON object: the text line's parts, who wrote it, `fields`, and `exception` if there is one."""
    fields = dict(record["extra"])
    document: dict[str, Any] = {
        "time": record["time"].isoformat(timespec="milliseconds"),
        "level": record["level"].name,
        "trace_id": str(fields.pop("trace_id", NO_TRACE)),
        "thread": record["thread"].name,
        "module": record["name"],
        "function": record["function"],
        "line": record["line"],
        "message": shown(record["message"]),
        "service": identity.service,
        "env": identity.env,
        "instance": identity.instance,
    }
    if fields:
        document["fields"] = json_fields(fields)
    if exception:
        document["exception"] = shown(exception)
    return encode_json(document) + "\n"


def json_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a JSON line: masked, and none longer than a line may be."""
    return {key: _within_limits(clean_value(value, key)) for key, value in fields.items()}


def describe_second(now: float, separator: str) -> tuple[int, str, str]:
    """The second itself, and what stands before and after its fraction in a line: made once for all its lines."""
    moment = datetime.fromtimestamp(int(now), UTC).astimezone().isoformat(separator)
    return int(now), moment[:19], moment[19:]


class Renderer:
    """Renders lines in the format that is set at the moment."""

    def __init__(self, identity: Identity, format_: Literal["text", "json"]) -> None:
        self.identity = identity
        self.format = format_

    def render(self, record: "Record", exception: str) -> str:
        """A record of loguru as a line."""
        if self.format == "json":
            return render_json(record, exception, self.identity)
        return render_text(record, exception)

    def notice(self, message: str, fields: dict[str, object]) -> str:
        """A warning about logging itself, which can't go through logging."""
        record = {
            "time": datetime.now(UTC).astimezone(),
            "level": SimpleNamespace(name="WARNING"),
            "thread": SimpleNamespace(name="log-writer"),
            "name": __name__,
            "function": "notice",
            "line": 0,
            "message": message,
            "extra": fields,
        }
        return self.render(cast("Record", record), "")
