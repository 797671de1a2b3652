"""Fills message templates from the settings by plain substitution: no attribute access, no index, no format spec."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

_PLACEHOLDER: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")
_ACTIVE_MARK: Final = re.compile(r"<(?=@|/?font\b)", re.IGNORECASE)


def fill_template(template: str, order: Sequence[str], values: Mapping[str, str]) -> tuple[str, frozenset[str]]:
    """Returns the filled text, and which of the names found a place in it.

    `{}` takes the next name of `order`, `{name}` that name, `{{` and `}}` are braces. What isn't known, or a `{}` too
    many, is left as it is. Values are not looked into: braces in them mean nothing.
    """
    used: set[str] = set()
    waiting = iter(order)

    def replace(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0][0]
        name = match[1].strip() or next(waiting, "")
        if name not in values:
            return match[0]
        used.add(name)
        return values[name]

    return _PLACEHOLDER.sub(replace, template), frozenset(used)


def escape_markdown(value: str) -> str:
    """A value as WeCom's markdown shows it literally: no mention, colour tag, link or fence can be smuggled in.

    WeCom knows no escape character, so the marks are replaced by look-alikes.
    """
    shown = _ACTIVE_MARK.sub("＜", value)
    shown = shown.replace("](", "] (").replace("```", "'''")
    return shown.encode("utf-8", "replace").decode()
