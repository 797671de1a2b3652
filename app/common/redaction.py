"""Keeps secrets out of logs, alerts, errors and views. Pure functions, and a registry of exact secret values.

Three nets, from sure to likely: values that the settings know to be secret, wherever they stand; names that say so
(`password=…`, `"token": "…"`, `?key=…`); and shapes (`Bearer …`, `scheme://user:pw@`).
"""

import re
import threading
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from itertools import count
from typing import Any, Final
from urllib.parse import quote

from app.common.const import MASK
from app.common.supervision import failure_of_call

_MIN_SECRET_LENGTH: Final = 4
_MAX_SECRETS: Final = 1000
_MAX_DEPTH: Final = 16
_MAX_LOGGED_ITEMS: Final = 10_000
_NOT_JSON: Final = frozenset({"nan", "inf", "-inf"})
_TELLS_NOTHING: Final = frozenset({"true", "false", "none", "null"})

_TRIGGERS: Final = ("pass", "token", "secret", "key", "pwd", "auth", "bearer", "basic", "credential", "dsn")
_GATE: Final = re.compile(
    r"""(?:pass(?:word|wd|phrase|code)|pwd|secret|token|credential|dsn|key|authorization)s?[\\"']{0,4}[ \t]{0,8}[=:]"""
    r"|bearer|basic[ \t]"
)
"""On lower-case text: what is cheap to rule out before the patterns that ignore case run."""
_NAME: Final = (
    r"(?:(?:access|private|api|secret|signing|encryption|master)[-_]?key"
    r"|pass(?:word|wd|phrase|code)|pwd|secret|token|credential|\bdsn)s?"
)
_BARE: Final = r"""(?:[^\s"'&<>,;)\]}]|[,;)\]}](?![\s,;)\]}"']|$))+"""
_ASSIGNED: Final = re.compile(
    rf"""({_NAME}(?:\\*["'])?[ \t]{{0,8}}(?:={{1,2}}>?|:)[ \t]{{0,8}})"""
    r"""((?:[bru]{0,2}"(?:[^"\\]|\\.)*"?)|(?:[bru]{0,2}'(?:[^'\\]|\\.)*'?)|(?:\\+["'](?:[^\\\n]|\\++(?!["']))*+)"""
    rf"""|(?![{{\[(])(?:(?:bearer|basic|digest|negotiate)[ \t]+)?{_BARE})""",
    re.IGNORECASE,
)
_QUOTED: Final = re.compile(r"""([bru]{0,2}\\*(["']))(.*?)(\2?)""", re.IGNORECASE | re.DOTALL)
_AUTHORIZATION: Final = re.compile(
    r"""(authorization(?:\\*["'])?[ \t]{0,8}[=:][ \t]{0,8}(?:[bru]{0,2}\\*["'])?)([^"'\r\n,&\\]+)""", re.IGNORECASE
)
_BEARER: Final = re.compile(
    r"\b(bearer[ \t]+|(?-i:Basic)[ \t]+(?=[a-z]*(?-i:[A-Z0-9])))([\w.~+/=\-]{4,})", re.IGNORECASE
)
_QUERY_KEY: Final = re.compile(r"""((?:[?&;]|\\u0026)key=)[^&\s"'#<>\\]+""", re.IGNORECASE)
_USERINFO: Final = re.compile(r"""(://[^\s/:@?#"'<>]*:)[^\s/?#"'<>]+@""")

_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET_WORDS: Final = frozenset(
    {"password", "passwd", "pwd", "passphrase", "passcode", "secret", "token", "credential", "dsn", "authorization"}
)
_KEY_KINDS: Final = frozenset({"access", "private", "api", "secret", "signing", "encryption", "master"})
_RUN_TOGETHER: Final = frozenset({"accesskey", "apikey", "privatekey", "secretkey", "accesstoken"})
_ABOUT: Final = frozenset(
    {"type", "url", "name", "file", "path", "dir", "count", "length", "seconds", "minutes", "days", "ttl", "header"}
)


class _Secrets:
    """The exact values that must never be shown; one compiled alternation, rebuilt on change."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, None] = {}
        self.pattern: re.Pattern[str] | None = None

    def add(self, values: Iterable[str]) -> None:
        with self._lock:
            for value in values:
                self._values.update(dict.fromkeys(_forms_of(value)))
            while len(self._values) > _MAX_SECRETS:
                del self._values[next(iter(self._values))]
            self._compile()

    def remove(self, values: Iterable[str]) -> None:
        with self._lock:
            for value in values:
                for form in _forms_of(value):
                    self._values.pop(form, None)
            self._compile()

    def _compile(self) -> None:
        longest_first = sorted(self._values, key=len, reverse=True)
        self.pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None


def _forms_of(value: str) -> list[str]:
    """The value as it is, percent-encoded as in a URL, and escaped as in JSON, a repr or a log line."""
    value = value.strip()
    if len(value) < _MIN_SECRET_LENGTH or value.lower() in _TELLS_NOTHING:
        return []
    escaped = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    return [value, quote(value, safe=""), escaped, escaped.replace('"', '\\"'), value.replace("\n", "\\n")]


_secrets = _Secrets()


def register_secrets(values: Iterable[str]) -> None:
    """These values are masked from now on wherever they stand, in the whole process.

    Values of fewer than 4 characters and the words true, false, none, null are ignored. The newest 1000 are kept.
    """
    _secrets.add(values)


def register_secret(value: str) -> None:
    """`register_secrets` for one value."""
    _secrets.add((value,))


def forget_secrets(values: Iterable[str]) -> None:
    """Undoes `register_secrets`."""
    _secrets.remove(values)


def redact(text: str) -> str:
    """`text` with everything masked that is, or looks like, a secret."""
    pattern = _secrets.pattern
    if pattern is not None:
        text = pattern.sub(MASK, text)
    if "://" in text:
        text = _USERINFO.sub(rf"\1{MASK}@", text)
    lowered = text.lower()
    for trigger in _TRIGGERS:
        if trigger in lowered:
            return _redact_named(text) if _GATE.search(lowered) else text
    return text


def _redact_named(text: str) -> str:
    text = _AUTHORIZATION.sub(rf"\1{MASK}", text)
    text = _BEARER.sub(rf"\1{MASK}", text)
    text = _QUERY_KEY.sub(rf"\1{MASK}", text)
    return _ASSIGNED.sub(_mask_assigned, text)


def _mask_assigned(match: re.Match[str]) -> str:
    value = match[2]
    if value.lower() in _TELLS_NOTHING:
        return match[0]
    quoted = _QUOTED.fullmatch(value)
    if quoted is None:
        return match[1] + MASK
    return match[1] + quoted[1] + (MASK if quoted[3] else "") + quoted[4]


@lru_cache(maxsize=4096)
def is_secret_key(name: str) -> bool:
    """Whether a key or field of this name holds a secret: `access_token`, `apiKey`, `db-password`, a robot's `key`."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words or words[-1] in _ABOUT:
        return False
    if words == ["key"] or any(word in _SECRET_WORDS or word.removesuffix("s") in _SECRET_WORDS for word in words):
        return True
    return "".join(words) in _RUN_TOGETHER or (words[-1] == "key" and words[-2] in _KEY_KINDS)


def clean_value(value: Any, key: str = "") -> Any:
    """`value` as plain JSON data (str, int, float, bool, None, dict, list), with secrets masked.

    What has more items than anybody reads is cut: one that contains itself twice would have 2^16.
    """
    return _Cleaner(most=_MAX_LOGGED_ITEMS).clean(value, "", 0, secret=bool(key) and is_secret_key(key))


def mask_document(document: Mapping[str, Any], extra_paths: Collection[str] = ()) -> dict[str, Any]:
    """A copy for people to see: values under secret names and at `extra_paths` (`database.host`, `hosts.0`) masked.

    Empty values, booleans and nulls stay, so that one sees what is missing.
    """
    masked: dict[str, Any] = _Cleaner(extra_paths).clean(document, "", 0, secret=False)
    return masked


class _Cleaner:
    """Copies nested data as plain JSON data, masking on the way. What is below a masked key is masked too."""

    def __init__(self, extra_paths: Collection[str] = (), most: int | None = None) -> None:
        self._extra_paths = extra_paths
        self._left = count() if most is None else iter(range(most))

    def clean(self, value: Any, path: str, depth: int, *, secret: bool) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if depth > _MAX_DEPTH:
            return "…"
        if isinstance(value, Mapping):
            items = zip(value.items(), self._left, strict=False)
            return {str(key): self._item(str(key), item, path, depth, secret) for (key, item), _ in items}
        if isinstance(value, (list, tuple, set, frozenset)):
            numbered = zip(enumerate(value), self._left, strict=False)
            return [self._item(str(index), item, path, depth, secret) for (index, item), _ in numbered]
        return self._leaf(value, secret)

    def _item(self, key: str, item: Any, path: str, depth: int, secret: bool) -> Any:
        here = f"{path}.{key}" if path else key
        hidden = secret or here in self._extra_paths or is_secret_key(key)
        return self.clean(item, here, depth + 1, secret=hidden)

    def _leaf(self, value: object, secret: bool) -> object:
        text = value if isinstance(value, str) else text_of(value)
        if secret:
            return MASK if text else text
        redacted = redact(text)
        is_number = isinstance(value, (int, float)) and redacted == text
        return value if is_number and text not in _NOT_JSON else redacted


def text_of(value: object) -> str:
    """`str(value)`, also for objects whose `__str__` fails: logging must not break what it watches."""
    texts: list[str] = []
    failure = failure_of_call(lambda: texts.append(str(value)))
    return texts[0] if failure is None else f"<unprintable {type(value).__name__}>"
