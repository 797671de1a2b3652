"""What an alert says in the group: the robot's template filled, or a plain layout without one."""

from collections.abc import Sequence
from typing import Final

from app.alerts.queue import Waiting
from app.common.const import AlarmLevel
from app.common.redaction import clean_value, redact
from app.common.utils.wechat_msg_util import (
    MARKDOWN_LIMIT_BYTES,
    MENTION_ALL,
    Payload,
    build_markdown,
    build_text,
    cut_markdown,
    escape_markdown,
    fill_template,
    paint,
    split_markdown,
)

POSITIONAL: Final = ("summary", "exception", "trace_id", "environment", "host", "time", "name", "level")
"""What `{}` stands for, in order."""

_DEFAULT_TEMPLATE: Final = "{title}\n{summary}"
_LONGEST_VALUE: Final = 2000
_LONGEST_CONTENT_BYTES: Final = 4 * MARKDOWN_LIMIT_BYTES  # one alert must not eat a robot's whole minute
_ABSENT: Final = "-"


def render(matter: Waiting, template: str, environment: str, host: str) -> list[Payload]:
    """The messages of one matter: markdown in as many parts as it needs, and for DISASTER a text that mentions all."""
    content = cut_markdown(_render_content(matter, template, environment, host), _LONGEST_CONTENT_BYTES)
    payloads = [build_markdown(part) for part in split_markdown(content)]
    if matter.level is AlarmLevel.DISASTER and not matter.event.resolves:
        payloads.append(build_text(_clean("", _plain_title(matter)), mentioned_list=(MENTION_ALL,)))
    return payloads


def _render_content(matter: Waiting, template: str, environment: str, host: str) -> str:
    core = {
        "summary": _clean("summary", matter.event.summary),
        "exception": _clean("exception", matter.exception),
        "trace_id": matter.event.trace_id or _ABSENT,
        "environment": environment,
        "host": host,
        "time": matter.raised_at.astimezone().isoformat(sep=" ", timespec="seconds"),
        "name": _clean("name", matter.event.name),
        "level": matter.level.name,
    }
    more = {**matter.event.details, **matter.event.labels}
    extra = {str(key): _clean(str(key), value) for key, value in more.items()}
    values = {**extra, **core, "title": _title(matter), "count": str(matter.count)}
    content, used = fill_template(template or _DEFAULT_TEMPLATE, POSITIONAL, values)
    if not used & {"title", "name"}:
        content = f"{values['title']}\n{content}"
    rest = _rest(("exception", "trace_id", "environment", "host", "time", *extra), used, values)
    if "summary" not in used:
        rest.insert(0, values["summary"])
    return "\n".join([content.rstrip("\n"), *rest])


def _rest(names: Sequence[str], used: frozenset[str], values: dict[str, str]) -> list[str]:
    """What the template has no place for, so that nothing is lost."""
    left = [name for name in dict.fromkeys(names) if name not in used and values[name] not in {"", _ABSENT}]
    return [f"> {escape_markdown(name)}: {' '.join(values[name].split())}" for name in left]


def _title(matter: Waiting) -> str:
    title = escape_markdown(redact(_plain_title(matter)))
    return f'<font color="info">{title}</font>' if matter.event.resolves else paint(title, matter.level)


def _plain_title(matter: Waiting) -> str:
    state = "RESOLVED" if matter.event.resolves else matter.level.name
    return f"[{state}] {matter.event.name}" + (f" ×{matter.count}" if matter.count > 1 else "")


def _clean(name: str, value: object) -> str:
    """Redacted, escaped and no longer than a reader needs; the log has the whole."""
    shown = str(clean_value(value, name)) or _ABSENT
    if len(shown) > _LONGEST_VALUE:
        shown = f"{shown[:_LONGEST_VALUE]}… (+{len(shown) - _LONGEST_VALUE} characters)"
    return escape_markdown(shown)
