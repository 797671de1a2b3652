"""`${NAME}`, `${NAME:default}`, `${file:path}` and the escape `$${` in the values of a document."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from app.common.errors import SettingsRefused

_PLACEHOLDER: Final = re.compile(r"\$\$\{|\$\{([^{}$]*)\}|\$\{")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MAX_SECRET_BYTES: Final = 1024 * 1024


@dataclass
class Substituted:
    """A document's values with the placeholders filled in, and where each came from."""

    tree: dict[str, Any]
    origins: dict[tuple[str, ...], str] = field(default_factory=dict)
    """Paths of substituted values: `env:NAME` or `file:path`. All of them are masked wherever they are shown."""
    values: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class PlaceholderSource:
    """Where values may be taken from. `allowed_names` None: every variable."""

    variables: Mapping[str, str]
    secrets_dir: Path
    allowed_names: frozenset[str] | None = None


def substitute(tree: Mapping[str, Any], source: PlaceholderSource, document: str) -> Substituted:
    """Fills every placeholder in; keys are left alone. Raises SettingsRefused naming what is missing or not allowed."""
    walk = _Walk(source)
    result = Substituted(tree={key: walk.value(value, (key,)) for key, value in tree.items()})
    if walk.problems:
        raise SettingsRefused(f"{document}: {'; '.join(walk.problems)}")
    result.origins, result.values = walk.origins, walk.values
    return result


class _Walk:
    def __init__(self, source: PlaceholderSource) -> None:
        self._source = source
        self.origins: dict[tuple[str, ...], str] = {}
        self.values: set[str] = set()
        self.problems: list[str] = []

    def value(self, value: Any, path: tuple[str, ...]) -> Any:
        if isinstance(value, str):
            return self._text(value, path) if "${" in value else value
        if isinstance(value, Mapping):
            return {key: self.value(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item, (*path, str(index))) for index, item in enumerate(value)]
        return value

    def _text(self, text: str, path: tuple[str, ...]) -> str:
        def fill(match: re.Match[str]) -> str:
            if match[0] == "$${":
                return "${"
            if match[1] is None:
                self.problems.append(f"{'.'.join(path)}: a placeholder is not closed, or stands inside another")
                return ""
            return self._fill(match[1], path)

        return _PLACEHOLDER.sub(fill, text)

    def _fill(self, inner: str, path: tuple[str, ...]) -> str:
        name, has_default, default = inner.partition(":")
        if name == "file" and has_default:
            found, origin = self._read_file(default, path), f"file:{default}"
        else:
            found, origin = self._variable(name, default if has_default else None, path), f"env:{name}"
        self.origins[path] = origin
        if found:
            self.values.add(found)
        return found

    def _variable(self, name: str, default: str | None, path: tuple[str, ...]) -> str:
        allowed = self._source.allowed_names
        if not _NAME.fullmatch(name):
            self.problems.append(f"{'.'.join(path)}: a placeholder holds no valid variable name; `$${{` escapes it")
        elif allowed is not None and name not in allowed:
            self.problems.append(f"{'.'.join(path)}: variable {name} is not listed in nacos.allow_env")
        elif name in self._source.variables:
            return self._source.variables[name]
        elif default is not None:
            return default
        else:
            self.problems.append(f"{'.'.join(path)}: environment variable {name} is not set")
        return ""

    def _read_file(self, name: str, path: tuple[str, ...]) -> str:
        folder = self._source.secrets_dir.resolve()
        file = (folder / name).resolve()
        if not file.is_relative_to(folder):
            self.problems.append(f"{'.'.join(path)}: file:{name} is outside SECRETS_DIR")
            return ""
        try:
            with file.open("rb") as handle:
                return handle.read(_MAX_SECRET_BYTES).decode().rstrip("\r\n")
        except (OSError, UnicodeDecodeError):
            self.problems.append(f"{'.'.join(path)}: file:{name} can't be read below SECRETS_DIR")
            return ""
